package cache

// frequency estimates how often keys were asked for of late: a count-min sketch of
// 4-bit counters that are halved after a while (TinyLFU, Einziger et al. 2017). It
// is the actor's alone.
type frequency struct {
	counters []uint64 // 16 counters each
	added    int
}

const (
	rows       = 4
	mostCounts = 15 // of a 4-bit counter

	// The bounds of how many words of counters there are. A word for each four keys
	// mixes few of them up; above some hundred thousand keys a few more do no harm.
	fewestCounters, mostCounters = 64, 1 << 16
	keysToWord                   = 4
)

// newFrequency has room for as many keys without mixing them up often; n is a power
// of two.
func newFrequency(n int) *frequency { return &frequency{counters: make([]uint64, n)} }

// grow makes room for as many keys, once they are more than it was made for. Each key
// keeps its counts: a larger table has them wherever it looks for the key, as they
// were.
func (f *frequency) grow(keys int) {
	for len(f.counters) < mostCounters && keys > keysToWord*len(f.counters) {
		f.counters = append(f.counters, f.counters...)
	}
}

// add counts a key.
func (f *frequency) add(hash uint64) {
	for row := range rows {
		word, shift := f.place(hash, row)
		if *word>>shift&mostCounts < mostCounts {
			*word += 1 << shift
		}
	}
	if f.added++; f.added >= 10*len(f.counters) {
		f.age()
	}
}

// of is how often a key was counted, and at times a little more.
func (f *frequency) of(hash uint64) (least uint64) {
	least = mostCounts
	for row := range rows {
		word, shift := f.place(hash, row)
		least = min(least, *word>>shift&mostCounts)
	}
	return least
}

func (f *frequency) place(hash uint64, row int) (word *uint64, shift uint) {
	hash *= 0x9e3779b97f4a7c15 + 2*uint64(row) // #nosec G115 -- a small number
	hash ^= hash >> 32
	return &f.counters[hash&uint64(len(f.counters)-1)], uint(hash>>60) * 4
}

// age halves all counters: what was popular once has to be so again.
func (f *frequency) age() {
	for i, word := range f.counters {
		f.counters[i] = word >> 1 & 0x7777777777777777
	}
	f.added /= 2
}
