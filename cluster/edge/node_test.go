package edge

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/messages"
)

func TestAnEdgeNodeHasWhatBecomesOfTheCache(t *testing.T) {
	t.Parallel()
	client, core := certified(t)
	s := serve(t, core, &store{denied: []messages.CacheDrop{{CacheName: nameOf(8), Asked: 9}}}, nil)
	s.feed.Kept(nameOf(1), []byte("before it came"))
	n, cache := begin(t, client, time.Minute, s)
	if cache.cleared != 1 || len(cache.drops) != 1 || n.Mark("gpt") != 5 || n.Mark("other") != 0 {
		t.Errorf("it begins with %+v, and a mark of %d", cache, n.Mark("gpt"))
	}
	eventually(t, "what was kept before", func() bool { return cache.Knows(nameOf(1)) })
	s.feed.Kept(nameOf(2), []byte("later"))
	eventually(t, "what is kept later", func() bool { return cache.Knows(nameOf(2)) })
	s.feed.Dropped(messages.CacheDrop{CacheName: nameOf(2)})
	eventually(t, "the drop", func() bool { return !cache.Knows(nameOf(2)) })
	s.feed.Emptied("acme")
	eventually(t, "the tenant to be empty", func() bool { return !cache.Knows(nameOf(1)) })
	if limits, err := n.Limits(t.Context()); err != nil || len(limits) != 1 || limits[0].Limits.Requests != 7 {
		t.Errorf("%v, %v", limits, err)
	}
	eventually(t, "the core to show it", func() bool {
		edges := s.hub.Edges()
		return len(edges) == 1 && edges[0].Name == "nearby" && edges[0].Version == "v1" && edges[0].Follows && edges[0].Behind == 0
	})
}

// A reply that the core had is fetched, unless something was taken out since it was
// read: that may have been this one.
func TestAReplyIsFetchedUnlessItMayBeDropped(t *testing.T) {
	t.Parallel()
	client, core := certified(t)
	s := serve(t, core, &store{}, nil)
	n, cache := begin(t, client, time.Minute, s)
	s.cache.Learn(nameOf(1), []byte("reply"))
	n.Want(nameOf(1))
	eventually(t, "the reply", func() bool { return cache.Knows(nameOf(1)) })
	s.cache.Learn(nameOf(2), []byte("reply"))
	n.mu.Lock()
	n.lastDrop = s.feed.next() + 1 // as by an event that came between
	n.mu.Unlock()
	n.fetch(t.Context(), n.peers[0], nameOf(2), cache)
	if cache.Knows(nameOf(2)) {
		t.Error("a reply from before a drop was taken in")
	}
}

func TestKeysAreLookedUpAgainWhenAnyChanges(t *testing.T) {
	t.Parallel()
	client, core := certified(t)
	at := &store{keys: map[messages.KeyID]messages.APIKey{
		"k1": {ID: "k1", Tenant: "acme", Role: messages.KeyMember, Hash: [32]byte{1}},
		"k2": {ID: "k2", Tenant: "acme", Role: messages.KeyMember},
		"a1": {ID: "a1", Role: messages.KeyAdmin},
	}, version: 1}
	s := serve(t, core, at, nil)
	n, _ := begin(t, client, time.Minute, s)
	key, err := n.Key(t.Context(), "k1")
	if err != nil || key.Hash != [32]byte{1} {
		t.Fatalf("%+v, %v", key, err)
	}
	for _, id := range []messages.KeyID{"a1", "nobody"} {
		if _, err := n.Key(t.Context(), id); messages.CodeOf(err) != messages.CodeInvalidKey {
			t.Errorf("%s: %v, want none: an edge node administers nothing", id, err)
		}
	}
	version, err := n.KeysVersion(t.Context())
	if err != nil || version != 1 {
		t.Errorf("version %d, %v", version, err)
	}
	at.change(func() {
		revoked := at.keys["k1"]
		revoked.Revoked = time.Now()
		at.keys["k1"] = revoked
	})
	eventually(t, "the change", func() bool { version, _ := n.KeysVersion(t.Context()); return version == 2 })
	if key, err = n.Key(t.Context(), "k1"); err != nil || key.Revoked.IsZero() {
		t.Errorf("behind the change: %+v, %v", key, err)
	}
	s.end()
	eventually(t, "the core to be lost", func() bool { return n.place.now() == nil })
	if key, err = n.Key(t.Context(), "k1"); err != nil || key.Revoked.IsZero() {
		t.Errorf("cut off: %+v, %v", key, err)
	}
	if _, err = n.Key(t.Context(), "k2"); messages.CodeOf(err) != messages.CodeEdgeCutOff {
		t.Errorf("a key that was not seen before, cut off: %v", err)
	}
}

// What the core itself does not know is not taken for up to date.
func TestACoreWithoutItsStoreKeepsNobodyUpToDate(t *testing.T) {
	t.Parallel()
	client, core := certified(t)
	at := &store{version: 1}
	s := serve(t, core, at, nil)
	n, cache := begin(t, client, 2*time.Second, s)
	at.mu.Lock()
	at.away = true
	at.mu.Unlock()
	eventually(t, "what is known to be too old", func() bool { return messages.CodeOf(n.Standing()) == messages.CodeEdgeCutOff })
	s.feed.Kept(nameOf(1), []byte("reply"))
	eventually(t, "news all the same", func() bool { return cache.Knows(nameOf(1)) })
}

func TestOnlyHitsAreBilledByAnEdgeNode(t *testing.T) {
	t.Parallel()
	client, core := certified(t)
	at := &store{}
	n, _ := begin(t, client, time.Minute, serve(t, core, at, nil))
	hit := messages.UsageRow{Tenant: "acme", Request: messages.TurnID{1}, Attempt: 1, CacheTier: messages.CacheExact, Saved: 5, Created: time.Now().Truncate(time.Millisecond)}
	if err := n.AppendUsage(t.Context(), []messages.UsageRow{hit}); err != nil || len(at.rows) != 1 || at.rows[0].Request != hit.Request || !at.rows[0].Created.Equal(hit.Created) {
		t.Errorf("%v, %+v", err, at.rows)
	}
	miss, dear := hit, hit
	miss.CacheTier, dear.Cost = messages.CacheMiss, 1
	for _, row := range []messages.UsageRow{miss, dear} {
		if err := n.AppendUsage(t.Context(), []messages.UsageRow{row}); err == nil {
			t.Errorf("%+v was billed", row)
		}
	}
}

// speaking says who it is, a word at a time.
func speaking(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s heard %s from %s", name, said, r.Header.Get("Authorization")) // #nosec G705 -- nobody shows it
		if strings.HasSuffix(r.URL.Path, "/long") {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	})
}

func question(ctx context.Context, t *testing.T, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://core"+path, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer own")
	return r
}

func TestRequestsGoToTheNextServerWhereNoConnectionIsMade(t *testing.T) {
	t.Parallel()
	client, core := certified(t)
	first, second := serve(t, core, &store{}, speaking("first")), serve(t, core, &store{}, speaking("second"))
	n, _ := begin(t, client, time.Minute, first, second)
	ask := func(want string) {
		t.Helper()
		response, err := n.RoundTrip(question(t.Context(), t, "/v1/short"))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close() //nolint:errcheck // it was read
		if said, err := io.ReadAll(response.Body); err != nil || string(said) != want+" heard hello from Bearer own" {
			t.Errorf("%s, %v", said, err)
		}
	}
	ask("first")
	long, err := n.RoundTrip(question(t.Context(), t, "/v1/long"))
	if err != nil {
		t.Fatal(err)
	}
	defer long.Body.Close() //nolint:errcheck // it breaks off
	first.end()
	if _, err := io.ReadAll(long.Body); err == nil {
		t.Error("an answer whose server has gone is taken for whole")
	}
	eventually(t, "the next server to answer", func() bool { // one that finds a connection which just broke may have begun
		response, err := n.RoundTrip(question(t.Context(), t, "/v1/short"))
		if err != nil && messages.CodeOf(err) != messages.CodeEdgeCutOff {
			t.Fatal(err)
		}
		if err != nil {
			return false
		}
		return response.Body.Close() == nil
	})
	ask("second")
	second.end()
	eventually(t, "both to be lost", func() bool { return n.place.now() == nil })
	began := time.Now()
	if response, err := n.RoundTrip(question(t.Context(), t, "/v1/short")); messages.CodeOf(err) != messages.CodeEdgeCutOff {
		_ = response.Body.Close()
		t.Errorf("without a core: %v", err)
	}
	if took := time.Since(began); took > followPatience+time.Second {
		t.Errorf("it took %s to say so", took)
	}
}

// A server that stops is left to what it has: what is asked from then on goes to the
// next, and nobody is told.
func TestRequestsGoToTheNextServerWhereOneStops(t *testing.T) {
	t.Parallel()
	client, core := certified(t)
	var stopping atomic.Bool
	finish := make(chan struct{})
	first := serve(t, core, &store{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		if stopping.Load() {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_ = http.NewResponseController(w).Flush()
		<-finish
		_, _ = io.WriteString(w, "the rest")
	}))
	n, _ := begin(t, client, time.Minute, first, serve(t, core, &store{}, speaking("second")))
	running, err := n.RoundTrip(question(t.Context(), t, "/v1/short"))
	if err != nil {
		t.Fatal(err)
	}
	defer running.Body.Close() //nolint:errcheck // it was read
	stopping.Store(true)
	first.leaving.Store(true)
	for range 20 {
		response, err := n.RoundTrip(question(t.Context(), t, "/v1/short"))
		if err != nil {
			t.Fatal(err)
		}
		said, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK || !strings.HasPrefix(string(said), "second") {
			t.Fatalf("%d %s", response.StatusCode, said)
		}
	}
	close(finish)
	if said, err := io.ReadAll(running.Body); err != nil || string(said) != "the rest" {
		t.Errorf("what ran ends with %q, %v", said, err)
	}
}

// The core hears at once that nobody waits for an answer any more.
func TestAnAnswerThatIsClosedEndsAtTheCore(t *testing.T) {
	t.Parallel()
	client, core := certified(t)
	ended := make(chan struct{})
	n, _ := begin(t, client, time.Minute, serve(t, core, &store{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(ended)
	})))
	response, err := n.RoundTrip(question(t.Context(), t, "/v1/long"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the core still answers")
	}
}

func TestConfigurationsOfEdgeNodesThatCannotWork(t *testing.T) {
	t.Parallel()
	good := Config{Enabled: true, Cores: []string{"10.0.0.5:7950"}, Tolerates: time.Minute}
	if err := good.Validate(true); err != nil {
		t.Error(err)
	}
	if err := DefaultConfig().Validate(false); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Config){
		"edge.cores":        func(c *Config) { c.Cores = nil },
		`edge.cores has "x`: func(c *Config) { c.Cores = []string{"x"} },
		"edge.tolerates":    func(c *Config) { c.Tolerates = 0 },
		"edge.listen":       func(c *Config) { c.Listen = "10.0.0.5:7950" },
		"edge.name":         func(c *Config) { c.Name = strings.Repeat("x", maxName+1) },
	} {
		c := good
		change(&c)
		if err := c.Validate(true); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := good.Validate(false); err == nil || !strings.Contains(err.Error(), "certificates") {
		t.Errorf("without certificates: %v", err)
	}
}
