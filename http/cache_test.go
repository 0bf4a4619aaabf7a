package http_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/parley/messages"
)

// cached plays the cache.
type cached struct{}

func (cached) Drop(_ context.Context, tenant messages.TenantID, id messages.CacheEntryID) error {
	if tenant == "acme" && id == "ce_known" {
		return nil
	}
	return &messages.Failure{Code: messages.CodeCacheEntryAbsent, What: "absent", Do: "look again"}
}

func (cached) Stats(messages.TenantID) messages.CacheStats {
	return messages.CacheStats{Lookups: 4, Exact: 2, Semantic: 1, Misses: 1, Entries: 1, Bytes: 900, Saved: 7, MeanAge: 90 * time.Second}
}

func TestRequestsSayWhatTheyWantOfTheCache(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		headers []string
		want    messages.CacheControl
	}{
		"nothing":             {},
		"no-store":            {headers: []string{"Cache-Control", "no-store"}, want: messages.CacheControl{NoStore: true}},
		"no-cache and others": {headers: []string{"Cache-Control", "private, No-Cache"}, want: messages.CacheControl{NoCache: true}},
		"max-age":             {headers: []string{"Cache-Control", "max-age=600"}, want: messages.CacheControl{MaxAge: 10 * time.Minute}},
		"max-age of nothing":  {headers: []string{"Cache-Control", "max-age=0"}, want: messages.CacheControl{NoCache: true}},
		"all others": {
			headers: []string{
				"x-parley-cache-threshold", "0.9", "x-parley-cache-ttl", "90", "x-parley-cache-scope", "user",
				"x-parley-cache-namespace", "blue", "x-parley-cache-pace", "20ms",
			},
			want: messages.CacheControl{Threshold: 0.9, TTL: 90 * time.Second, PerUser: true, Namespace: "blue", Pace: 20 * time.Millisecond},
		},
		"a time with a unit": {headers: []string{"x-parley-cache-ttl", "10m", "x-parley-cache-scope", "tenant"}, want: messages.CacheControl{TTL: 10 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got messages.CacheControl
			w := serve(t, func(m *messages.StartTurn) error {
				got = m.Spec.Cache
				go speak(m, hello())
				return nil
			})
			if r := w.do(http.MethodPost, "/v1/chat/completions", question, tt.headers...); r.status != http.StatusOK {
				t.Fatalf("%d %s", r.status, r.body)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestFaultsInWhatIsWantedOfTheCache(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	for header, values := range map[string][]string{
		"Cache-Control":            {"max-age=soon", "max-age", "max-age=-1"},
		"x-parley-cache-threshold": {"0.2", "1.01", "high", "NaN"},
		"x-parley-cache-ttl":       {"0", "999999999", "-5m", "tomorrow"},
		"x-parley-cache-scope":     {"everybody"},
		"x-parley-cache-namespace": {strings.Repeat("x", 129), "ü"},
		"x-parley-cache-pace":      {"20", "2s", "-1ms"},
	} {
		for _, value := range values {
			r := w.do(http.MethodPost, "/v1/chat/completions", question, header, value)
			if shown := r.errorOf(t); r.status != http.StatusBadRequest || shown.Param != header {
				t.Errorf("%s: %s got %d %+v", header, value, r.status, shown)
			}
		}
	}
}

func TestRepliesSayWhatTheCacheDid(t *testing.T) {
	t.Parallel()
	with := func(o *messages.CacheOutcome) []messages.Chunk {
		chunks := hello()
		chunks[0].Served = &messages.Served{Provider: "demo", Model: "m", Cache: o}
		return chunks
	}
	for name, tt := range map[string]struct {
		outcome *messages.CacheOutcome
		want    [4]string // tier, similarity, age, entry
	}{
		"nobody asked it": {},
		"a miss":          {&messages.CacheOutcome{Tier: messages.CacheMiss}, [4]string{"miss"}},
		"a hit": {
			&messages.CacheOutcome{Tier: messages.CacheSemantic, Similarity: 0.91234, Age: 61900 * time.Millisecond, Entry: "ce_1"},
			[4]string{"semantic", "0.9123", "61", "ce_1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, says(with(tt.outcome)...))
			for _, body := range []string{question, strings.Replace(question, "{", `{"stream":true,`, 1)} {
				h := w.do(http.MethodPost, "/v1/chat/completions", body).header
				got := [4]string{h.Get("x-parley-cache"), h.Get("x-parley-cache-similarity"), h.Get("x-parley-cache-age"), h.Get("x-parley-cache-entry")}
				if got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
}

func TestCacheEntriesAreDropped(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	if r := w.do(http.MethodDelete, "/v1/cache/entries/ce_known", ""); r.status != http.StatusOK || !strings.Contains(r.body, `"deleted":true`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.do(http.MethodDelete, "/v1/cache/entries/ce_other", ""); r.status != http.StatusNotFound || r.errorOf(t).Code != "cache_entry_not_found" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.do(http.MethodDelete, "/v1/cache/entries/ce_known", "", "Authorization", "Bearer "+otherKey); r.status != http.StatusNotFound {
		t.Errorf("another tenant got %d %s", r.status, r.body)
	}
}

func TestCacheStatsAreATenants(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	r := w.do(http.MethodGet, "/v1/cache/stats", "")
	want := `{"object":"cache.stats","lookups":4,"hits":{"exact":2,"joined":0,"lexical":0,"semantic":1},"hit_ratio":0.75,"misses":1,"bypassed":0,` +
		`"entries":1,"bytes":900,"evictions":0,"expired":0,"mean_age_seconds":90,"saved_input_tokens":0,"saved_output_tokens":0,"saved_nano_dollars":7}`
	if r.status != http.StatusOK || r.body != want {
		t.Errorf("%d %s", r.status, r.body)
	}
}
