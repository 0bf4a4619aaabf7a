package index

import "math"

// Point is a vector of length 1, in a byte a dimension. The cosine of two is off by
// some .002.
type Point struct {
	values []int8
	scale  float32 // of a value: values[i] * scale
}

// NewPoint packs a vector of length 1. It reports false of one that is empty, or has
// a value that is no number.
func NewPoint(v []float32) (p *Point, ok bool) {
	var largest float32
	for _, x := range v {
		largest = max(largest, max(x, -x)) // NaN stays NaN
	}
	if !(largest > 0) || math.IsInf(float64(largest), 0) {
		return nil, false
	}
	p = &Point{values: make([]int8, len(v)), scale: largest / math.MaxInt8}
	toByte := math.MaxInt8 / largest
	for i, x := range v {
		p.values[i] = int8(int32(x*toByte+math.MaxInt8+1.5) - math.MaxInt8 - 1) // #nosec G115 -- rounded, and within ±127
	}
	return p, true
}

// RestorePoint returns the point that said values and scale of itself. It reports
// false of what no point says.
func RestorePoint(values string, scale float32) (p *Point, ok bool) {
	const largest = 1 / float32(math.MaxInt8) // of a vector of length 1
	if values == "" || len(values) > mostDimensions || !(scale > 0 && scale <= largest*1.01) {
		return nil, false
	}
	p = &Point{values: make([]int8, len(values)), scale: scale}
	for i := range values {
		p.values[i] = int8(values[i]) // #nosec G115 -- back to what it was
	}
	return p, true
}

// mostDimensions is more than any embedder has.
const mostDimensions = 16_384

// Values are what RestorePoint makes the point of again; of nil there are none.
func (p *Point) Values() (values []byte, scale float32) {
	if p == nil {
		return nil, 0
	}
	values = make([]byte, len(p.values))
	for i, x := range p.values {
		values[i] = byte(x) // #nosec G115 -- a byte either way
	}
	return values, p.scale
}

// Cosine is that of two points of as many dimensions, and 0 of others.
func (p *Point) Cosine(o *Point) float32 { return p.cosine(o.values, o.scale) }

func (p *Point) cosine(values []int8, scale float32) float32 {
	if len(p.values) != len(values) {
		return 0
	}
	var sum int32
	other := values[:len(p.values)]
	for i, x := range p.values {
		sum += int32(x) * int32(other[i])
	}
	return float32(sum) * p.scale * scale
}
