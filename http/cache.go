package http

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Cache is what tenants may do with their part of the cache. actors/cache
// implements it.
type Cache interface {
	Drop(ctx context.Context, tenant messages.TenantID, id messages.CacheEntryID) error
	Stats(tenant messages.TenantID) messages.CacheStats
}

// The headers that say what the cache had to do with a reply, of which another server
// makes use.
const (
	cacheHeader      = "x-parley-cache"
	cacheEntryHeader = "x-parley-cache-entry"
)

// showCache tells the client what the cache had to do with a reply.
func showCache(c *fiber.Ctx, o *messages.CacheOutcome) {
	if o == nil {
		return
	}
	c.Set(cacheHeader, string(o.Tier))
	if o.Hit() {
		c.Set("x-parley-cache-similarity", strconv.FormatFloat(o.Similarity, 'g', 4, 64))
		c.Set("x-parley-cache-age", strconv.FormatInt(int64(o.Age/time.Second), 10))
		c.Set(cacheEntryHeader, string(o.Entry))
	}
}

// dropCacheEntry answers DELETE /v1/cache/entries/{id}.
func (s *Server) dropCacheEntry(c *fiber.Ctx, x *exchange) error {
	ctx, release := s.storeContext()
	defer release()
	id := messages.CacheEntryID(strings.Clone(c.Params("id")))
	if err := s.cache.Drop(ctx, x.principal.Tenant, id); err != nil {
		return err
	}
	return c.JSON(cacheEntryDeleted{ID: id, Object: "cache.entry.deleted", Deleted: true})
}

type cacheEntryDeleted struct {
	ID      messages.CacheEntryID `json:"id"`
	Object  string                `json:"object"`
	Deleted bool                  `json:"deleted"`
}

// cacheStats is a tenant's part of the cache on the wire.
type cacheStats struct {
	Object   string    `json:"object"`
	Lookups  int64     `json:"lookups"`
	Hits     cacheHits `json:"hits"`
	HitRatio float64   `json:"hit_ratio"`
	Misses   int64     `json:"misses"`
	Bypassed int64     `json:"bypassed"`

	Entries        int64 `json:"entries"`
	Bytes          int64 `json:"bytes"`
	Evictions      int64 `json:"evictions"`
	Expired        int64 `json:"expired"`
	MeanAgeSeconds int64 `json:"mean_age_seconds"`

	SavedInput  int64                `json:"saved_input_tokens"`
	SavedOutput int64                `json:"saved_output_tokens"`
	Saved       messages.NanoDollars `json:"saved_nano_dollars"`
}

type cacheHits struct {
	Exact    int64 `json:"exact"`
	Joined   int64 `json:"joined"` // of the exact ones: that waited for a call which ran already
	Lexical  int64 `json:"lexical"`
	Semantic int64 `json:"semantic"`
}

// getCacheStats answers GET /v1/cache/stats.
func (s *Server) getCacheStats(c *fiber.Ctx, x *exchange) error {
	t := s.cache.Stats(x.principal.Tenant)
	stats := cacheStats{
		Object: "cache.stats", Lookups: t.Lookups, Misses: t.Misses, Bypassed: t.Bypassed,
		Hits:    cacheHits{Exact: t.Exact, Joined: t.Joined, Lexical: t.Lexical, Semantic: t.Semantic},
		Entries: t.Entries, Bytes: t.Bytes, Evictions: t.Evictions, Expired: t.Expired, MeanAgeSeconds: int64(t.MeanAge / time.Second),
		SavedInput: t.SavedInput, SavedOutput: t.SavedOutput, Saved: t.Saved,
	}
	if t.Lookups > 0 {
		stats.HitRatio = float64(t.Exact+t.Lexical+t.Semantic) / float64(t.Lookups)
	}
	return c.JSON(stats)
}
