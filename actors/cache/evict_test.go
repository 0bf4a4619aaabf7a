package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"example.com/parley/actors/cache"
	"example.com/parley/messages"
)

// filler is a reply that does not compress.
func filler(seed int) string {
	var b strings.Builder
	x := uint64(seed)*2654435761 + 1 // #nosec G115 -- a small number
	for range 700 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b.WriteByte(byte('0' + x%75))
	}
	return b.String()
}

func TestBytesStayWithinTheLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const limit = 1 << 20
		w := newWorld(t, func(c *cache.Config) { c.MaxBytes = limit })
		popular := question("acme", "What is the popular question number 0?")
		w.learn(popular, filler(0))
		for i := range 2500 {
			w.learn(question(messages.TenantID(fmt.Sprintf("t%d", i%3)), fmt.Sprintf("What is the unpopular question number %d?", i)), filler(i))
			if i%5 == 0 {
				w.found(popular)
			}
		}
		synctest.Wait()
		var bytes, entries, evicted int64
		for _, tenant := range []messages.TenantID{"acme", "t0", "t1", "t2"} {
			s := w.cache.Stats(tenant)
			bytes, entries, evicted = bytes+s.Bytes, entries+s.Entries, evicted+s.Evictions
		}
		if bytes > limit || bytes < limit/2 || entries < 300 || evicted != 2501-entries {
			t.Errorf("%d entries take %d bytes, %d were evicted", entries, bytes, evicted)
		}
		w.wants(popular, messages.CacheExact)
	})
}

func TestTenantFillsNoMoreThanItsShare(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(c *cache.Config) { c.MaxBytes, c.TenantShare = 1<<20, 0.25 })
		for i := range 600 {
			w.learn(question("greedy", fmt.Sprintf("What is question number %d?", i)), filler(i))
		}
		if s := w.cache.Stats("greedy"); s.Bytes > 1<<18 || s.Bytes < 1<<17 {
			t.Errorf("%+v", s)
		}
	})
}

// TestWhatIsAskedForOftenStays is the point of admission by frequency: questions
// that come once do not push out those that come again and again.
func TestWhatIsAskedForOftenStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(c *cache.Config) { c.MaxBytes = 1 << 20 })
		ask := func(i int) bool {
			spec := question("acme", fmt.Sprintf("What is question number %d?", i))
			asked := w.ask(spec)
			if asked.Answer != nil {
				return true
			}
			say(asked.Flight, filler(i))
			synctest.Wait()
			return false
		}
		hits := 0
		for i := range 6000 {
			if i%2 == 0 {
				if ask(i / 2 % 200) {
					hits++
				}
			} else {
				ask(1_000_000 + i)
			}
		}
		if hits < 2400 { // of 3,000, of which 200 are the first
			t.Errorf("%d of 3000 were found", hits)
		}
	})
}
