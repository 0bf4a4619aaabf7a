package messages

import "time"

// CacheTier says how a reply came out of the cache, or that it did not.
type CacheTier string

// The tiers, nearest first, and what is none.
const (
	CacheExact    CacheTier = "exact"    // the same request
	CacheLexical  CacheTier = "lexical"  // a question of the same words, or that say the same in the same order
	CacheSemantic CacheTier = "semantic" // a question near in meaning
	CacheMiss     CacheTier = "miss"     // nothing was found, and a model answered
	CacheBypass   CacheTier = "bypass"   // the cache was not asked
)

// The bounds of what a request, or an operator, may say of the cache.
const (
	MinCacheThreshold = 0.5 // below it nothing is left of a meaning
	MinCacheTTL       = time.Second
	MaxCacheTTL       = 30 * 24 * time.Hour
)

// CacheControl is what a request says of the cache. Its zero value leaves
// everything to the server.
type CacheControl struct {
	NoStore   bool          // neither look nor keep
	NoCache   bool          // do not look, but keep
	MaxAge    time.Duration // of a reply that may be served; 0 as long as it is kept
	Threshold float64       // from 0 to 1, of the semantic tier; 0 the server's
	TTL       time.Duration // for how long the reply is kept; 0 the server's
	PerUser   bool          // share with nobody but the same user, or key
	Namespace string        // share within it alone
	Pace      time.Duration // between the words of a hit that is streamed; 0 all at once
}

// CacheOutcome is what the cache had to do with a reply.
type CacheOutcome struct {
	Tier       CacheTier     `json:"tier"`
	Similarity float64       `json:"similarity,omitempty"` // from 0 to 1, on the scale of thresholds; 1 but for the semantic tier
	Age        time.Duration `json:"age,omitempty"`
	Entry      CacheEntryID  `json:"entry,omitempty"` // empty for a miss
}

// Hit tells whether the reply came from the cache.
func (o *CacheOutcome) Hit() bool {
	return o.Tier == CacheExact || o.Tier == CacheLexical || o.Tier == CacheSemantic
}

// CacheEntryID names a cached reply together with the request that it was served
// to, so that a wrong pair can be told apart from a wrong reply: "ce_" and 32 hex
// digits.
type CacheEntryID string

// CacheName names a cached reply among all nodes: by whom it is of, and the hash of
// its request's key.
type CacheName struct {
	Tenant TenantID
	Entry  uint64
}

// CacheDrop says that a reply was wrong for the request that has the hash Asked.
// Where that is the reply's own request, the reply itself was.
type CacheDrop struct {
	CacheName
	Asked uint64
	At    time.Time // what was kept later is another reply
}

// CacheStats is a tenant's part of the cache.
type CacheStats struct {
	Lookups     int64
	Exact       int64 // hits, as the two below
	Lexical     int64
	Semantic    int64
	Misses      int64
	Bypassed    int64
	Joined      int64 // of the exact hits: that waited for a call which ran already
	Entries     int64
	Bytes       int64
	Evictions   int64
	Expired     int64
	SavedInput  int64 // tokens, as the one below
	SavedOutput int64
	Saved       NanoDollars
	MeanAge     time.Duration // of what is kept
}
