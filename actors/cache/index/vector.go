package index

import (
	"math"
	"strings"
	"unsafe"
)

// Point is a vector of length 1, in a byte a dimension. The cosine of two is off by
// some .002. The zero value is no point, and is near to nothing.
type Point struct {
	values string  // an int8 each
	scale  float32 // of a value: values[i] * scale
}

// NewPoint packs a vector of length 1. It reports false of one that is empty, or has
// a value that is no number.
func NewPoint(v []float32) (p Point, ok bool) { return PointIn(make([]byte, len(v)), v) }

// PointIn is NewPoint in room that the caller lends for as many bytes as there are
// dimensions: the point is good until the room is used again. [Point.Clone] keeps it.
func PointIn(room []byte, v []float32) (p Point, ok bool) {
	largest := largestOf(v)
	if !(largest > 0) || math.IsInf(float64(largest), 0) || len(room) < len(v) {
		return Point{}, false
	}
	values := room[:len(v)]
	toByte := math.MaxInt8 / largest
	for i, x := range v {
		values[i] = byte(int32(x*toByte+math.MaxInt8+1.5) - math.MaxInt8 - 1) // #nosec G115 -- rounded, and within ±127
	}
	return Point{values: unsafe.String(unsafe.SliceData(values), len(values)), scale: largest / math.MaxInt8}, true // #nosec G103 -- whose they are is said above
}

// largestOf is the largest value whatever its sign, NaN where there is one. Without
// their sign floats are in the order of their bits, and NaN is the last.
func largestOf(v []float32) float32 {
	const sign = 1 << 31
	var largest uint32
	for _, x := range v {
		largest = max(largest, math.Float32bits(x)&^sign)
	}
	return math.Float32frombits(largest)
}

// Clone is the same point in memory of its own.
func (p Point) Clone() Point { return Point{values: strings.Clone(p.values), scale: p.scale} }

// RestorePoint returns the point that said values and scale of itself. It reports
// false of what no point says.
func RestorePoint(values string, scale float32) (p Point, ok bool) {
	const largest = 1 / float32(math.MaxInt8) // of a vector of length 1
	if values == "" || len(values) > mostDimensions || !(scale > 0 && scale <= largest*1.01) {
		return Point{}, false
	}
	return Point{values: values, scale: scale}, true
}

// mostDimensions is more than any embedder has.
const mostDimensions = 16_384

// Values are what RestorePoint makes the point of again; of no point there are none.
func (p Point) Values() (values string, scale float32) { return p.values, p.scale }

// None tells whether it is no point.
func (p Point) None() bool { return p.values == "" }

// Cosine is that of two points of as many dimensions, and 0 of others.
func (p Point) Cosine(o Point) float32 {
	if len(p.values) != len(o.values) {
		return 0
	}
	var sum int32
	other := o.values[:len(p.values)]
	for i := range len(p.values) {
		sum += int32(int8(p.values[i])) * int32(int8(other[i])) // #nosec G115 -- back to what they were
	}
	return float32(sum) * p.scale * o.scale
}
