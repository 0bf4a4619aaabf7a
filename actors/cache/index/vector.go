package index

import "math"

// Vector is a vector of length 1 in a byte a dimension, and its sketch. The cosine
// of two is off by some .002.
type Vector struct {
	Values []int8
	Scale  float32 // value = Values[i] * Scale
	Sketch Sketch
}

// NewVector packs a vector of length 1. It reports false of one that is empty, or
// has a value that is no number.
func NewVector(v []float32) (packed Vector, ok bool) {
	var largest float32
	for _, x := range v {
		largest = max(largest, max(x, -x)) // NaN stays NaN
	}
	if !(largest > 0) || math.IsInf(float64(largest), 0) {
		return Vector{}, false
	}
	packed = Vector{Values: make([]int8, len(v)), Scale: largest / math.MaxInt8, Sketch: sketchOf(v)}
	for i, x := range v {
		packed.Values[i] = int8(math.RoundToEven(float64(x / packed.Scale))) // #nosec G115 -- within ±127
	}
	return packed, true
}

// Cosine is that of two vectors of as many dimensions, and 0 for others.
func (v *Vector) Cosine(o *Vector) float32 {
	if len(v.Values) != len(o.Values) {
		return 0
	}
	var sum int32
	other := o.Values[:len(v.Values)]
	for i, x := range v.Values {
		sum += int32(x) * int32(other[i])
	}
	return float32(sum) * v.Scale * o.Scale
}
