package remote

import "time"

// list mirrors each element.
func list[A, B any](from []A, mirror func(*A) *B) []*B {
	if len(from) == 0 {
		return nil
	}
	to := make([]*B, len(from))
	for i := range from {
		to[i] = mirror(&from[i])
	}
	return to
}

// values reads each mirror.
func values[A, B any](from []*A, read func(*A) B) []B {
	if len(from) == 0 {
		return nil
	}
	to := make([]B, len(from))
	for i := range from {
		to[i] = read(from[i])
	}
	return to
}

// optional converts what is there.
func optional[A, B any](from *A, convert func(*A) *B) *B {
	if from == nil {
		return nil
	}
	return convert(from)
}

func widen(n *int) *int64 {
	wide := int64(*n)
	return &wide
}

func narrow(n *int64) *int {
	narrow := int(*n)
	return &narrow
}

// longest is more than any node of ours would send, and does not overflow.
const longest = 24 * time.Hour

func milliseconds(n int64) time.Duration {
	const most = int64(longest / time.Millisecond)
	return time.Duration(max(min(n, most), -most)) * time.Millisecond
}
