package index

import (
	"math"
	"math/bits"
)

// Sketch is 256 bits that stand for a vector: on which side of 256 random planes
// it lies. Of two vectors at the angle θ a share of θ/π of the bits differs, on
// average (Charikar 2002).
type Sketch [4]uint64

const sketchBits = 256

// distance is how many bits of a sketch differ from those of another, which come
// one by one so that a loop keeps them in registers.
func distance(s *Sketch, a, b, c, d uint64) int {
	return bits.OnesCount64(s[0]^a) + bits.OnesCount64(s[1]^b) + bits.OnesCount64(s[2]^c) + bits.OnesCount64(s[3]^d)
}

// reach is the distance that vectors of a cosine stay within, but for one of some
// thousands: four standard deviations beyond the mean.
func reach(cosine float32) int {
	share := math.Acos(float64(min(max(cosine, -1), 1))) / math.Pi
	return int(math.Ceil(sketchBits*share + 4*math.Sqrt(sketchBits*share*(1-share))))
}

// sketchOf sketches a vector. The planes are those of a Walsh-Hadamard transform
// behind a flip of random signs, which takes n·log n additions for n dimensions.
func sketchOf(v []float32) (s Sketch) {
	size := sketchBits
	for size < len(v) {
		size *= 2
	}
	var room [sketchBits]float32
	turned := room[:]
	if size > len(turned) {
		turned = make([]float32, size)
	}
	for i, x := range v {
		if flip(uint64(i)) { // #nosec G115 -- a position
			x = -x
		}
		turned[i] = x
	}
	transform(turned)
	for i := range sketchBits {
		if turned[i*(size/sketchBits)] > 0 {
			s[i/64] |= 1 << (i % 64)
		}
	}
	return s
}

// flip is a coin for each dimension, the same on every node.
func flip(i uint64) bool { return mix(0x5061726c6579, i)&1 == 1 }

// transform is the Walsh-Hadamard transform in place; its length is a power of two.
func transform(v []float32) {
	for half := 1; half < len(v); half *= 2 {
		for i := 0; i < len(v); i += 2 * half {
			low, high := v[i:i+half], v[i+half:i+2*half]
			for j, x := range low {
				low[j], high[j] = x+high[j], x-high[j]
			}
		}
	}
}
