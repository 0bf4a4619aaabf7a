package embed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/cache/embed"
)

// upstream is a server of embeddings: it says of each text how long it is, and
// refuses those that say so.
type upstream struct {
	*httptest.Server
	mu    sync.Mutex
	sizes []int // of the calls
	keys  []string
	delay time.Duration
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(u.answer))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) answer(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Model string
		Input []string
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.URL.Path != "/v1/embeddings" || asked.Model != "bge" {
		http.Error(w, "what?", http.StatusBadRequest)
		return
	}
	u.mu.Lock()
	u.sizes, u.keys = append(u.sizes, len(asked.Input)), append(u.keys, r.Header.Get("Authorization"))
	delay := u.delay
	u.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return
	}
	var data []string
	for i, text := range asked.Input {
		if strings.Contains(text, "refuse") {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		data = append(data, fmt.Sprintf(`{"index":%d,"embedding":[%d,1]}`, i, len(text)))
	}
	_, _ = fmt.Fprintf(w, `{"data":[%s]}`, strings.Join(data, ","))
}

func (u *upstream) calls() []int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.sizes)
}

// running starts an embedder that asks u.
func running(t *testing.T, u *upstream, change func(*embed.Config)) *embed.Remote {
	t.Helper()
	cfg := embed.DefaultConfig()
	cfg.Kind, cfg.BaseURL, cfg.Model, cfg.APIKey, cfg.Timeout = embed.KindOpenAI, u.URL+"/v1", "bge", "secret", 10*time.Second
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	r := embed.NewRemote(cfg, prometheus.NewRegistry())
	ctx, stop := context.WithCancel(context.Background())
	var ends sync.WaitGroup
	ends.Go(func() { _ = r.Run(ctx) })
	t.Cleanup(func() {
		stop()
		ends.Wait()
	})
	return r
}

func TestTextsThatComeTogetherGoTogether(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	r := running(t, u, func(c *embed.Config) { c.BatchSize, c.BatchWait = 8, time.Second })
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			text := strings.Repeat("x", i+1)
			v, err := r.Embed(t.Context(), []float32{7}, text)
			if err != nil || len(v) != 3 || v[0] != 7 || v[1]/v[2] < float32(i+1)-0.01 || v[1]/v[2] > float32(i+1)+0.01 {
				t.Errorf("text %d got %v, %v", i, v, err)
			}
		})
	}
	all.Wait()
	if got := u.calls(); !slices.Equal(got, []int{8, 8}) {
		t.Errorf("the calls carried %v texts", got)
	}
	if u.keys[0] != "Bearer secret" || r.ID() != "openai-bge" {
		t.Errorf("%q, %q", r.ID(), u.keys)
	}
}

func TestTextThatTheServerRefusesFailsAlone(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	r := running(t, u, func(c *embed.Config) { c.BatchSize, c.BatchWait = 3, time.Second })
	var all sync.WaitGroup
	for _, text := range []string{"good", "refuse me", "fine"} {
		all.Go(func() {
			if _, err := r.Embed(t.Context(), nil, text); (err != nil) != (text == "refuse me") {
				t.Errorf("%q: %v", text, err)
			}
		})
	}
	all.Wait()
	if got := u.calls(); !slices.Equal(got, []int{3, 1, 1, 1}) {
		t.Errorf("the calls carried %v texts", got)
	}
}

func TestServerThatIsSlowIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	u.delay = 300 * time.Millisecond
	r := running(t, u, func(c *embed.Config) { c.Timeout = 20 * time.Millisecond })
	if v, err := r.Embed(t.Context(), nil, "x"); err == nil || len(v) > 0 {
		t.Errorf("%v, %v", v, err)
	}
}

func TestEmbedderThatDoesNotRunRefuses(t *testing.T) {
	t.Parallel()
	cfg := embed.DefaultConfig()
	cfg.BaseURL, cfg.Timeout = "http://127.0.0.1:1/v1", 20*time.Millisecond
	r := embed.NewRemote(cfg, prometheus.NewRegistry())
	if _, err := r.Embed(t.Context(), nil, "x"); err == nil {
		t.Error("it answered")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := r.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestFaultsInTheConfigurationAreNamed(t *testing.T) {
	t.Parallel()
	cfg := embed.Config{Kind: "best", Cosine: 2, BatchWait: time.Hour}
	err := cfg.Validate()
	for _, key := range []string{"kind", "cosine", "batch_size", "batch_wait", "calls", "timeout"} {
		if err == nil || !strings.Contains(err.Error(), "cache.embed."+key) {
			t.Errorf("%v does not name %s", err, key)
		}
	}
	cfg = embed.DefaultConfig()
	cfg.Kind = embed.KindOpenAI
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "cache.embed.base_url") || !strings.Contains(err.Error(), "cache.embed.model") {
		t.Errorf("%v", err)
	}
}
