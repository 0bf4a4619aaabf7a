package load

import (
	"slices"
	"time"
)

// Latencies is how long requests took, in ascending order.
type Latencies []time.Duration

// Quantile returns the latency that the share q (0 to 1) of all requests did
// not exceed, by the nearest-rank method: it is one that was measured. It is
// zero where nothing was.
func (l Latencies) Quantile(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	rank := int(q*float64(len(l)) + 0.999999)
	return l[min(max(rank, 1), len(l))-1]
}

// Sorted returns all of them in order.
func Sorted(parts ...[]time.Duration) Latencies {
	all := Latencies(slices.Concat(parts...))
	slices.Sort(all)
	return all
}
