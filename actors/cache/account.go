package cache

import (
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// account is what is counted of a tenant. Anybody counts, at any time.
type account struct{ counts counts }

type counts struct {
	exact, lexical, semantic, misses, bypassed, joined atomic.Int64
	entries, bytes, evicted, expired                   atomic.Int64
	savedInput, savedOutput, saved                     atomic.Int64
	made                                               atomic.Int64 // sum of the unix seconds at which the entries were
}

// hit counts a reply that was kept, and what it saved.
func (c *counts) hit(tier messages.CacheTier, usage messages.Usage, price messages.NanoDollars) {
	switch tier {
	case messages.CacheExact:
		c.exact.Add(1)
	case messages.CacheLexical:
		c.lexical.Add(1)
	default:
		c.semantic.Add(1)
	}
	c.savedInput.Add(int64(usage.Input))
	c.savedOutput.Add(int64(usage.Output))
	c.saved.Add(int64(price))
}

func (a *account) stats() messages.CacheStats {
	c := &a.counts
	s := messages.CacheStats{
		Exact: c.exact.Load() + c.joined.Load(), Lexical: c.lexical.Load(), Semantic: c.semantic.Load(),
		Misses: c.misses.Load(), Bypassed: c.bypassed.Load(), Joined: c.joined.Load(),
		Entries: c.entries.Load(), Bytes: c.bytes.Load(), Evictions: c.evicted.Load(), Expired: c.expired.Load(),
		SavedInput: c.savedInput.Load(), SavedOutput: c.savedOutput.Load(), Saved: messages.NanoDollars(c.saved.Load()),
	}
	if s.Entries > 0 {
		s.MeanAge = time.Since(time.Unix(c.made.Load()/s.Entries, 0)).Truncate(time.Second)
	}
	s.Lookups = s.Exact + s.Lexical + s.Semantic + s.Misses
	return s
}
