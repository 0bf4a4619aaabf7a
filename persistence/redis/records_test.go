package redis_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"example.com/parley/messages"
	"example.com/parley/persistence/redis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is the Redis of the tests, of which each uses keys of its own.
func server(t *testing.T) string {
	t.Helper()
	url := os.Getenv("PARLEY_TEST_REDIS_URL")
	if url == "" {
		t.Fatal("PARLEY_TEST_REDIS_URL is not set: run the tests with make test, or under .ci/with-services")
	}
	return url
}

// rig is what the nodes of a test share.
type rig struct {
	t   *testing.T
	cfg redis.Config
	raw *goredis.Client
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, cfg: redis.DefaultConfig()}
	r.cfg.URL, r.cfg.Prefix, r.cfg.Secret = server(t), "test-"+rand.Text(), "a secret of some length"
	r.cfg.MinIdle, r.cfg.Timeout = 0, time.Second
	options, err := goredis.ParseURL(r.cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	r.raw = goredis.NewClient(options)
	t.Cleanup(func() {
		r.flush()
		_ = r.raw.Close()
	})
	return r
}

// keys are those of the test.
func (r *rig) keys(pattern string) []string {
	r.t.Helper()
	keys, err := r.raw.Keys(context.Background(), r.cfg.Prefix+pattern).Result()
	if err != nil {
		r.t.Fatal(err)
	}
	return keys
}

// flush is what FLUSHDB would do to a Redis of its own.
func (r *rig) flush() {
	for _, key := range r.keys("*") {
		r.raw.Del(context.Background(), key)
	}
}

// node is one that follows.
type node struct {
	t        *testing.T
	records  *redis.Records
	registry *prometheus.Registry

	mu      sync.Mutex
	known   map[messages.CacheName][]byte
	dropped map[messages.CacheDrop]int
	full    int // entries
}

func (r *rig) open(change ...func(*redis.Config)) *node {
	r.t.Helper()
	cfg := r.cfg
	for _, c := range change {
		c(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		r.t.Fatal(err)
	}
	n := &node{t: r.t, registry: prometheus.NewRegistry(), known: make(map[messages.CacheName][]byte), dropped: make(map[messages.CacheDrop]int), full: 1 << 30}
	var err error
	n.records, err = redis.Open(cfg, redis.Deps{Registerer: n.registry, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = n.records.Close() })
	return n
}

// two are nodes that follow each other.
func (r *rig) two() (a, b *node) {
	r.t.Helper()
	a, b = r.open(), r.open()
	a.run()
	b.run()
	eventually(r.t, "both to follow", func() bool { return a.follows() && b.follows() })
	return a, b
}

// run has a node follow until the test ends, or it is stopped.
func (n *node) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = n.records.Run(ctx, n) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	n.t.Cleanup(stop)
	return stop
}

func (n *node) Knows(name messages.CacheName) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[name] != nil
}

func (n *node) Full() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.known) >= n.full
}

func (n *node) Learn(name messages.CacheName, record []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known[name] = record
}

func (n *node) Forget(d messages.CacheDrop) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.known, d.CacheName)
	if d.At.IsZero() || time.Since(d.At) > time.Hour {
		n.t.Errorf("it was dropped at %s", d.At)
	}
	d.At = time.Time{}
	n.dropped[d]++
}

func (n *node) forgot(d messages.CacheDrop) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dropped[d] > 0
}

// metric is a metric's value under its one label; "" where it has none.
func (n *node) metric(name, label string) (value float64) {
	n.t.Helper()
	families, err := n.registry.Gather()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				value += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return value
}

func (n *node) follows() bool { return n.metric("chatbot_shared_cache_following", "") == 1 }

func (n *node) read(result string) float64 {
	return n.metric("chatbot_shared_cache_reads_total", result)
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(20 * time.Second); !is(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func name(tenant string, entry uint64) messages.CacheName {
	return messages.CacheName{Tenant: messages.TenantID(tenant), Entry: entry}
}

func (n *node) wants(name messages.CacheName, want string) {
	n.t.Helper()
	if got := n.records.Get(n.t.Context(), name); string(got) != want {
		n.t.Errorf("%v is %q, want %q", name, got, want)
	}
}

func (n *node) comes(name messages.CacheName, want string) {
	n.t.Helper()
	eventually(n.t, "a record", func() bool { return string(n.records.Get(n.t.Context(), name)) == want })
}

func TestRecordsAreShared(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.two()
	first := name("acme", 7)
	a.records.Put(first, []byte("a reply"), time.Minute)
	eventually(t, "the other node to learn", func() bool { return b.Knows(first) })
	b.wants(first, "a reply")
	b.wants(name("acme", 8), "")
	b.wants(name("rival", 7), "")
	if a.Knows(first) {
		t.Error("a node was told what it had said itself")
	}
	if ttl := r.raw.TTL(t.Context(), r.keys("*:entry:*")[0]).Val(); ttl <= 50*time.Second || ttl > time.Minute {
		t.Errorf("it is kept for %s", ttl)
	}
	for _, key := range r.keys("*:entry:*") {
		if kept := r.raw.Get(t.Context(), key).Val(); bytes.Contains([]byte(kept), []byte("reply")) {
			t.Error("who reads Redis reads replies")
		}
	}

	wrong := messages.CacheDrop{CacheName: first, Asked: 9}
	b.records.Drop(wrong)
	eventually(t, "both to forget", func() bool { return a.forgot(wrong) && b.forgot(wrong) })
	a.wants(first, "")
	if b.Knows(first) {
		t.Error("it is known still")
	}
}

func TestNodeLoadsWhatIsThereWhenItStarts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.open()
	stop := a.run()
	const entries = 700
	for i := range uint64(entries) {
		a.records.Put(name("acme", i), fmt.Appendf(nil, "reply %d", i), time.Minute)
	}
	wrong := messages.CacheDrop{CacheName: name("acme", 3), Asked: 4}
	a.records.Drop(wrong)
	stop() // what waits is written first

	b := r.open()
	b.run()
	eventually(t, "the node to follow", b.follows)
	if !b.forgot(wrong) || b.Knows(wrong.CacheName) {
		t.Error("what was dropped before is not")
	}
	if b.mu.Lock(); len(b.known) != entries-1 || string(b.known[name("acme", 5)]) != "reply 5" {
		t.Errorf("%d are known", len(b.known))
	}
	b.mu.Unlock()

	small := r.open()
	small.full = 10
	small.run()
	eventually(t, "the small node to follow", small.follows)
	if small.mu.Lock(); len(small.known) >= entries {
		t.Errorf("a node with room for 10 took all of %d", len(small.known))
	}
	small.mu.Unlock()
}

// TestBadRecordsAreMisses of whichever kind, and counted.
func TestBadRecordsAreMisses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.open()
	a.run()
	good, other := name("acme", 1), name("acme", 2)
	a.records.Put(good, []byte("one reply"), time.Minute)
	a.comes(good, "one reply")
	key := r.keys("*:entry:*")[0]
	sealed := r.raw.Get(t.Context(), key).Val()
	set := func(key, value string) { r.raw.Set(t.Context(), key, value, time.Minute) }
	moved := key[:len(key)-16] + "0000000000000002"

	bad := 0.0
	refuses := func(why string, name messages.CacheName) {
		t.Helper()
		bad++
		if got := a.records.Get(t.Context(), name); got != nil || a.read("damaged") != bad {
			t.Errorf("%s: got %q, counted %v", why, got, a.read("damaged"))
		}
	}
	for _, cut := range []int{0, 1, 12, len(sealed) / 2, len(sealed) - 1} {
		set(key, sealed[:cut])
		refuses("truncated", good)
	}
	for i := range sealed {
		changed := []byte(sealed)
		changed[i] ^= 1
		set(key, string(changed))
		refuses("changed", good)
	}
	set(key, "one reply")
	refuses("made up", good)
	set(moved, sealed)
	refuses("moved", other)
	set(key, sealed)
	a.wants(good, "one reply")

	stranger := r.open(func(c *redis.Config) { c.Secret = "another secret of that length" })
	stranger.wants(good, "")
	stranger.run()
	eventually(t, "the stranger to follow", stranger.follows)
	if stranger.read("damaged") != 1 || stranger.Knows(good) || stranger.metric("chatbot_shared_cache_learned_total", "damaged") != 2 {
		t.Error("it took in what it cannot vouch for")
	}

	r.raw.Del(t.Context(), key)
	r.raw.LPush(t.Context(), key, "a list")
	a.wants(good, "")
}

func TestFlushedRedisGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.two()
	a.records.Put(name("acme", 1), []byte("before"), time.Minute)
	eventually(t, "the first", func() bool { return b.Knows(name("acme", 1)) })
	r.flush()
	b.wants(name("acme", 1), "")
	a.records.Put(name("acme", 2), []byte("after"), time.Minute)
	eventually(t, "the second", func() bool { return b.Knows(name("acme", 2)) })
}

// gate passes connections on to Redis, while it is open.
type gate struct {
	t        *testing.T
	to       string
	listener net.Listener
	mu       sync.Mutex
	conns    []net.Conn
	hangs    bool // connections are taken, and nothing is passed on
	running  sync.WaitGroup
}

// newGate puts a gate before the rig's Redis.
func (r *rig) newGate(hangs bool) *gate {
	r.t.Helper()
	options, err := goredis.ParseURL(r.cfg.URL)
	if err != nil {
		r.t.Fatal(err)
	}
	g := &gate{t: r.t, to: options.Addr, hangs: hangs}
	g.open("127.0.0.1:0")
	r.cfg.URL = fmt.Sprintf("redis://:%s@%s/0", options.Password, g.listener.Addr())
	r.t.Cleanup(g.close)
	return g
}

func (g *gate) open(address string) {
	listener, err := net.Listen("tcp", address) //nolint:noctx // the test closes it
	if err != nil {
		g.t.Fatal(err)
	}
	g.listener = listener
	g.running.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			g.mu.Lock()
			hangs := g.hangs
			g.conns = append(g.conns, in)
			g.mu.Unlock()
			if hangs {
				continue
			}
			out, err := net.Dial("tcp", g.to) //nolint:noctx // closed with the other end
			if err != nil {
				_ = in.Close()
				continue
			}
			g.mu.Lock()
			g.conns = append(g.conns, out)
			g.mu.Unlock()
			g.pipe(in, out)
			g.pipe(out, in)
		}
	})
}

func (g *gate) pipe(from, to net.Conn) {
	g.running.Go(func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
		_ = from.Close()
	})
}

// close cuts all connections, and takes no more.
func (g *gate) close() {
	_ = g.listener.Close()
	g.mu.Lock()
	for _, c := range g.conns {
		_ = c.Close()
	}
	g.conns = nil
	g.mu.Unlock()
	g.running.Wait()
}

func (g *gate) reopen() { g.open(g.listener.Addr().String()) }

func TestRedisThatIsGoneCostsHitsAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.open()
	b.run()
	gate := r.newGate(false)
	a := r.open()
	a.run()
	eventually(t, "both to follow", func() bool { return a.follows() && b.follows() })
	kept, wrong := name("acme", 1), messages.CacheDrop{CacheName: name("acme", 1), Asked: 5}
	a.records.Put(kept, []byte("a reply"), time.Minute)
	a.comes(kept, "a reply")

	gate.close()
	for range 20 {
		a.wants(kept, "")
	}
	if a.read("failed") > 10 || a.read("skipped") == 0 {
		t.Errorf("asked %v times, skipped %v", a.read("failed"), a.read("skipped"))
	}
	for i := range uint64(5000) {
		a.records.Put(name("acme", 100+i), []byte("lost"), time.Minute)
	}
	a.records.Drop(wrong) // is told as soon as it can be
	eventually(t, "it to notice", func() bool { return !a.follows() })

	gate.reopen()
	eventually(t, "the drop to arrive", func() bool { return b.forgot(wrong) && a.forgot(wrong) })
	a.comes(kept, "")
	a.records.Put(name("acme", 2), []byte("later"), time.Minute)
	a.comes(name("acme", 2), "later")
	b.records.Put(name("acme", 3), []byte("of another"), time.Minute)
	eventually(t, "it to learn again", func() bool { return a.Knows(name("acme", 3)) })
}

// TestHangingRedisIsLeftAlone after a few requests have waited for it.
func TestHangingRedisIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.newGate(true)
	a := r.open(func(c *redis.Config) { c.Timeout = 10 * time.Millisecond })
	for range 100 {
		a.wants(name("acme", 1), "")
	}
	if a.read("skipped") < 80 {
		t.Errorf("%v waited, and %v did not", a.read("failed"), a.read("skipped"))
	}
}

func TestConfigurationNamesItsFaults(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*redis.Config){
		"redis.url cannot be read":    func(c *redis.Config) { c.URL = "http://secret@host" },
		"redis.secret is shorter":     func(c *redis.Config) { c.Secret = "short" },
		"redis.prefix is":             func(c *redis.Config) { c.Prefix = "a*" },
		"redis.pool_size is 0":        func(c *redis.Config) { c.PoolSize = 0 },
		"redis.min_idle is 51":        func(c *redis.Config) { c.MinIdle = 51 },
		"redis.timeout is 1m0s: give": func(c *redis.Config) { c.Timeout = time.Minute },
	} {
		cfg := redis.DefaultConfig()
		change(&cfg)
		err := cfg.Validate()
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(want)) || bytes.Contains([]byte(err.Error()), []byte("secret@")) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := redis.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}
