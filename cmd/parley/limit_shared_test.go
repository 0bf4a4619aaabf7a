package main

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/tenant"
	"example.com/parley/messages"
	"example.com/parley/persistence/redis"
)

// redisServer is a Redis of a test's own, which forgets everything when it stops.
type redisServer struct {
	t       *testing.T
	address string
	running *exec.Cmd
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once: its port is free
	if err != nil {
		t.Fatal(err)
	}
	s := &redisServer{t: t, address: listener.Addr().String()}
	_ = listener.Close()
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *redisServer) start() {
	s.t.Helper()
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.running = exec.Command("redis-server", "--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", s.t.TempDir()) //nolint:noctx // the test stops it
	if err := s.running.Start(); err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
	eventually(s.t, "redis to listen", func() bool {
		conn, err := net.Dial("tcp", s.address) //nolint:noctx // a local port
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

func (s *redisServer) stop() {
	if s.running != nil {
		_ = s.running.Process.Kill()
		_ = s.running.Wait()
		s.running = nil
	}
}

// trio is limiters that share a limit of the tenant acme.
type trio struct {
	t        *testing.T
	limiters []*tenant.Limiter
}

func newTrio(t *testing.T, address string, limits tenant.LimitsConfig, nodes int) *trio {
	t.Helper()
	c, prefix := &trio{t: t}, "test-"+rand.Text()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	for range nodes {
		cfg := redis.DefaultConfig()
		cfg.URL, cfg.Prefix = "redis://"+address+"/0", prefix
		shares, err := redis.OpenLimits(cfg)
		if err != nil {
			t.Fatal(err)
		}
		limiter, err := tenant.NewLimiter(tenant.LimitConfig{Tenant: limits}, tenant.LimiterDeps{Shares: shares, Registerer: prometheus.NewRegistry()})
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			_ = limiter.Share(ctx)
			_ = shares.Close()
		})
		c.limiters = append(c.limiters, limiter)
	}
	return c
}

// enter is whether a turn passes on a node.
func (c *trio) enter(node int) bool {
	m := messages.NewStartTurn(c.t.Context(), messages.TurnSpec{Tenant: "acme"})
	if c.limiters[node].Enter(m) != nil {
		return false
	}
	m.Settle(0)
	return true
}

// load comes to all nodes at a steady rate for a while, so many tries in 10 ms, and
// returns what passed on each, and how long it took. On a machine that has no time for
// it, what was due comes later.
func (c *trio) load(tries int, d time.Duration) (passed []int, took time.Duration) {
	const every = 10 * time.Millisecond
	passed = make([]int, len(c.limiters))
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	began := time.Now()
	for done := 0; took < d; <-ticker.C {
		took = time.Since(began)
		for due := int(took / every); done < due; done++ {
			for node := range c.limiters {
				for range tries {
					if c.enter(node) {
						passed[node]++
					}
				}
			}
		}
	}
	return passed, took
}

func sum(all []int) (n int) {
	for _, one := range all {
		n += one
	}
	return n
}

// Three nodes share a limit through Redis, keep to their parts while it is gone, and
// find their shares again when it is back.
func TestNodesShareLimitsThroughRedis(t *testing.T) {
	t.Parallel()
	const nodes, rate, tries = 3, 30_000, 5 // 500 a second; three times as many come
	server := startRedis(t)
	began := time.Now()
	c := newTrio(t, server.address, tenant.LimitsConfig{Requests: rate}, nodes)
	time.Sleep(time.Second) // they hear of each other
	total := 0
	check := func(when string, passed int, took time.Duration, least, most float64) {
		t.Helper()
		part := float64(passed) / (rate * took.Minutes())
		t.Logf("%s: %d passed in %s, %.1f%% of the limit", when, passed, took, 100*part)
		if part < least || part > most {
			t.Errorf("%s %d passed in %s, which is %.1f%% of the limit", when, passed, took, 100*part)
		}
	}
	for spent := 0; spent < 50; { // the minute's worth that there is at first
		passed, _ := c.load(100, 50*time.Millisecond)
		if total += sum(passed); sum(passed) < 100 {
			spent++
		} else {
			spent = 0
		}
	}
	passed, took := c.load(tries, 6*time.Second)
	total += sum(passed)
	check("together", sum(passed), took, 0.9, 1.03)
	if most := rate + rate*time.Since(began).Minutes(); float64(total) > most*1.01 {
		t.Errorf("%d passed since the beginning, of %.0f", total, most)
	}

	server.stop()
	passed, _ = c.load(tries, time.Second) // until it is noticed
	total += sum(passed)
	passed, took = c.load(tries, 4*time.Second)
	total += sum(passed)
	for node := range passed {
		check("alone", nodes*passed[node], took, 0.9, 1.1)
	}

	server.start()
	passed, _ = c.load(tries, 2*time.Second)
	total += sum(passed)
	passed, took = c.load(tries, 6*time.Second)
	total += sum(passed)
	check("together again", sum(passed), took, 0.9, 1.03)
	most := rate + rate*time.Since(began).Minutes()
	t.Logf("in all %d passed of %.0f, %.2f%%", total, most, 100*float64(total)/most)
	if float64(total) > most*1.01 {
		t.Errorf("%d passed in all, of %.0f", total, most)
	}
}

// Two servers with one Redis: what one of them uses the other has not.
func TestServersShareLimits(t *testing.T) {
	t.Parallel()
	env := sharing(t, redisAddress(t), "test-"+rand.Text())
	env = append(env, "PARLEY_DEMO=true", "PARLEY_CACHE_ENABLED=false", "PARLEY_LIMITS_TENANT_REQUESTS_PER_MINUTE=6")
	first := start(t, launch{env: env})
	first.terminate()
	copied := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(copied, os.DirFS(first.data)); err != nil {
		t.Fatal(err)
	}
	a, b := start(t, launch{data: first.data, env: env}), start(t, launch{data: copied, env: env})
	a.key, b.key = first.key, first.key
	eventually(t, "both to know of each other", func() bool {
		return metricIs(a, "chatbot_limit_nodes 2") && metricIs(b, "chatbot_limit_nodes 2") && metricIs(a, "chatbot_limit_alone 0")
	})
	passed, began := 0, time.Now()
	for range 20 {
		for _, p := range []*process{a, b} {
			status, _, _ := p.asks("/v1/chat/completions", hello)
			if status == http.StatusOK {
				passed++
			} else if status != http.StatusTooManyRequests {
				t.Fatalf("got %d", status)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	came := int(time.Since(began)/(10*time.Second)) + 1
	if passed < 5 || passed > 6+came {
		t.Errorf("%d passed on both, of 6", passed)
	}
	_, header, _ := b.asks("/v1/chat/completions", hello)
	if left, err := strconv.Atoi(header.Get("x-ratelimit-remaining-requests")); err != nil || left > 0 {
		t.Errorf("%d are said to be left: %v", left, err)
	}
	a.terminate()
	b.terminate()
}

func metricIs(p *process, line string) bool { return strings.Contains(p.metrics(), "\n"+line+"\n") }
