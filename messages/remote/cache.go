package remote

import (
	"time"

	"example.com/parley/messages"
)

// toCacheControl leaves out one that says nothing.
func toCacheControl(c *messages.CacheControl) *CacheControl {
	if *c == (messages.CacheControl{}) {
		return nil
	}
	return &CacheControl{
		NoStore: c.NoStore, NoCache: c.NoCache, MaxAgeNs: int64(c.MaxAge), Threshold: c.Threshold, TtlNs: int64(c.TTL),
		PerUser: c.PerUser, Namespace: c.Namespace, PaceNs: int64(c.Pace),
	}
}

func fromCacheControl(m *CacheControl) messages.CacheControl {
	return messages.CacheControl{
		NoStore: m.GetNoStore(), NoCache: m.GetNoCache(), MaxAge: time.Duration(m.GetMaxAgeNs()), Threshold: m.GetThreshold(), TTL: time.Duration(m.GetTtlNs()),
		PerUser: m.GetPerUser(), Namespace: m.GetNamespace(), Pace: time.Duration(m.GetPaceNs()),
	}
}

func toCacheOutcome(o *messages.CacheOutcome) *CacheOutcome {
	if o == nil {
		return nil
	}
	return &CacheOutcome{Tier: string(o.Tier), Similarity: o.Similarity, AgeNs: int64(o.Age), Entry: string(o.Entry)}
}

func fromCacheOutcome(m *CacheOutcome) *messages.CacheOutcome {
	if m == nil {
		return nil
	}
	return &messages.CacheOutcome{
		Tier: messages.CacheTier(m.GetTier()), Similarity: m.GetSimilarity(), Age: time.Duration(m.GetAgeNs()), Entry: messages.CacheEntryID(m.GetEntry()),
	}
}
