package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/cluster"
	"example.com/parley/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store plays the core's.
type store struct {
	mu      sync.Mutex
	keys    map[messages.KeyID]messages.APIKey
	version uint64
	looked  int // keys that were looked up
	away    bool
	denied  []messages.CacheDrop
	rows    []messages.UsageRow
	uses    []messages.KeyUse
}

var errAway = errors.New("the store is away")

func (s *store) Key(_ context.Context, id messages.KeyID) (messages.APIKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked++
	if key, known := s.keys[id]; known {
		return key, nil
	}
	return messages.APIKey{}, &messages.Failure{Code: messages.CodeInvalidKey}
}

func (s *store) KeysVersion(context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return 0, errAway
	}
	return s.version, nil
}

func (s *store) MarkUsed(_ context.Context, uses []messages.KeyUse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses = append(s.uses, uses...)
	return nil
}

func (s *store) Limits(context.Context) ([]messages.Limit, error) {
	return []messages.Limit{{LimitHolder: messages.LimitHolder{Tenant: "acme"}, Limits: messages.Limits{Requests: 7}}}, nil
}

func (s *store) LimitsVersion(context.Context) (uint64, error) { return 3, nil }

func (s *store) Denied(context.Context, int) ([]messages.CacheDrop, error) { return s.denied, nil }

func (s *store) usage(_ context.Context, rows []messages.UsageRow) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, rows...)
	return nil
}

func (s *store) change(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.version++
}

// replies plays a cache, of the core or of the edge node.
type replies struct {
	mu      sync.Mutex
	records map[messages.CacheName][]byte
	drops   []messages.CacheDrop
	cleared int
}

func newReplies() *replies { return &replies{records: make(map[messages.CacheName][]byte)} }

func (r *replies) record(name messages.CacheName) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records[name]
}

func (r *replies) Knows(name messages.CacheName) bool { return r.record(name) != nil }

func (r *replies) Learn(name messages.CacheName, record []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records[name] = record
}

func (r *replies) Forget(d messages.CacheDrop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.records, d.CacheName)
	r.drops = append(r.drops, d)
}

func (r *replies) Empty(_ context.Context, tenant messages.TenantID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.records {
		if name.Tenant == tenant {
			delete(r.records, name)
		}
	}
	return nil
}

func (r *replies) Clear(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.records)
	r.cleared++
	return nil
}

// server is one of the core's.
type server struct {
	address string
	store   *store
	cache   *replies
	feed    *Feed
	hub     *Hub
	marks   map[string]uint64
	leaving atomic.Bool
	end     func()
}

// certified are both sides' certificates.
func certified(t *testing.T) (client, core *tls.Config) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "certs")
	if err := cluster.WriteCertificates(folder, 1, 1, time.Hour); err != nil {
		t.Fatal(err)
	}
	of := func(name string) (client, server *tls.Config) {
		client, server, err := cluster.Mutual(cluster.TLSConfig{
			CA: filepath.Join(folder, "ca.pem"), Cert: filepath.Join(folder, name+".pem"), Key: filepath.Join(folder, name+".key"),
		})
		if err != nil {
			t.Fatal(err)
		}
		return client, server
	}
	client, _ = of("edge-1")
	_, core = of("node-1")
	return client, core
}

// serve starts a server of the core. handler answers what is forwarded.
func serve(t *testing.T, config *tls.Config, s *store, handler http.Handler) *server {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	core := &server{address: listener.Addr().String(), store: s, cache: newReplies(), feed: NewFeed(false), marks: map[string]uint64{"gpt": 5}}
	core.hub = NewHub(HubDeps{
		Store: s, Usage: s.usage, Record: core.cache.record, Marks: func() map[string]uint64 { return core.marks }, Leaving: core.leaving.Load, MostDenied: 10, Feed: core.feed, Log: slog.New(slog.DiscardHandler),
	})
	gate := NewGate(listener, config)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	forwarded := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	var running sync.WaitGroup
	running.Go(func() { _ = gate.Run(ctx) })
	running.Go(func() { _ = core.hub.Run(ctx, gate.Control()) })
	running.Go(func() { _ = forwarded.Serve(gate.Carried()) })
	core.end = sync.OnceFunc(func() {
		stop()
		_ = forwarded.Close()
		running.Wait()
	})
	t.Cleanup(core.end)
	return core
}

// begin starts an edge node of these servers, and waits until it is up to date.
func begin(t *testing.T, client *tls.Config, tolerates time.Duration, core ...*server) (*Node, *replies) {
	t.Helper()
	cfg := Config{Enabled: true, Name: "nearby", Tolerates: tolerates}
	for _, s := range core {
		cfg.Cores = append(cfg.Cores, s.address)
	}
	n := New(cfg, Deps{Version: "v1", Client: client, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	slices.SortFunc(n.peers, func(a, b *peer) int { return slices.Index(cfg.Cores, a.address) - slices.Index(cfg.Cores, b.address) })
	cache := newReplies()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx, cache) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the node to be up to date", func() bool { return n.Standing() == nil })
	return n, cache
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	const patience = 20 * time.Second
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}
