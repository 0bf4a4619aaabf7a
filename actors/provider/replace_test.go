package provider

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/actortest"
	"example.com/parley/messages"
)

// newTalkers makes providers that are simulated, and say at once what there is.
func newTalkers(t *testing.T, names ...string) (*Providers, *prometheus.Registry) {
	t.Helper()
	cfg := make(Config)
	for _, name := range names {
		cfg[name] = quick()
	}
	registry := prometheus.NewRegistry()
	p, err := New(cfg, Deps{Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, registry
}

func quick() Settings {
	return Settings{Kind: KindSimulated, FirstToken: time.Nanosecond, TokenPause: time.Nanosecond}
}

func (p *Providers) prepared(t *testing.T, name string, s Settings) *Handle {
	t.Helper()
	h, err := p.Prepare(name, s, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hi() *messages.Call {
	return &messages.Call{Stream: true, Items: []messages.Item{messages.TextMessage(messages.RoleUser, "hi")}}
}

func TestProviderIsAddedAndTakenAway(t *testing.T) {
	t.Parallel()
	p, registry := newTalkers(t, "a")
	target := messages.Target{Provider: "b", Model: "m"}
	if _, err := p.Open(t.Context(), target, hi()); messages.CodeOf(err) != messages.CodeProviderUnavailable {
		t.Fatalf("before it is there: %v", err)
	}
	h := p.prepared(t, "b", quick())
	if _, found := p.Handle("b"); found {
		t.Error("it is there before it was put")
	}
	if old := p.Put(h); old != nil {
		t.Errorf("it took the place of %s", old.Name())
	}
	if got := gauge(t, registry, `chatbot_provider_breaker_state{provider="b"}`); got != 0 {
		t.Errorf("its breaker is at %v", got)
	}
	answer, err := p.Open(t.Context(), target, hi())
	if err != nil {
		t.Fatal(err)
	}
	if old := p.Remove("b"); old != h {
		t.Error("another one was taken away")
	}
	h.Close()
	if err := read(answer); err != nil {
		t.Errorf("the call that ran: %v", err)
	}
	if refusal := p.Refusal(target); refusal == nil || refusal.Code != messages.CodeProviderUnavailable || p.IsSpare(target) {
		t.Errorf("after it is gone: %v", refusal)
	}
	if p.Remove("b") != nil {
		t.Error("it was taken away twice")
	}
	if got := len(p.Handles()); got != 2 {
		t.Errorf("%d are left, want a and simulated", got)
	}
}

func TestReplacedProviderStaysDrainedAndForgetsTheRest(t *testing.T) {
	t.Parallel()
	p, _ := newTalkers(t, "a")
	h, _ := p.Handle("a")
	actortest.Spawn(t, actortest.NewSystem(t), h.Props())
	actortest.Eventually(t, "the actor is there", func() bool { return h.tell.Load() != nil })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := h.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.Trip(ctx, 0); err != nil {
		t.Fatal(err)
	}
	next := p.prepared(t, "a", quick())
	if old := p.Put(next); old != h {
		t.Error("it took another's place")
	}
	if s := next.Snapshot(); !s.Drained || s.State != messages.BreakerClosed {
		t.Errorf("got %+v", s)
	}
}

func TestSettingsWithFaultsAreNotPrepared(t *testing.T) {
	t.Parallel()
	p, _ := newTalkers(t, "a")
	for name, s := range map[string]Settings{
		"p":      {BaseURL: "ftp://host"},
		"b/c":    quick(),
		"openai": {}, // without a key
	} {
		if _, err := p.Prepare(name, s, nil, false); err == nil || !strings.Contains(err.Error(), "providers.") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProvidersAreBounded(t *testing.T) {
	t.Parallel()
	p, _ := newTalkers(t)
	for i := range maxProviders - 1 {
		p.Put(p.prepared(t, fmt.Sprint("p", i), quick()))
	}
	if _, err := p.Prepare("more", quick(), nil, false); messages.CodeOf(err) != messages.CodeUnsupported {
		t.Errorf("got %v", err)
	}
	if _, err := p.Prepare("p7", quick(), nil, false); err != nil {
		t.Errorf("one that replaces another: %v", err)
	}
	many := make(Config)
	for i := range maxProviders + 1 {
		many[fmt.Sprint("p", i)] = quick()
	}
	if err := many.Validate(); err == nil || !strings.Contains(err.Error(), "at most 64") {
		t.Errorf("as many from the configuration: %v", err)
	}
}

// Calls go on while providers come and go.
func TestProvidersChangeUnderLoad(t *testing.T) {
	t.Parallel()
	p, registry := newTalkers(t, "a")
	target := messages.Target{Provider: "a", Model: "m"}
	var enough atomic.Bool
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for !enough.Load() {
				answer, err := p.Open(t.Context(), target, hi())
				if err == nil {
					err = read(answer)
				}
				if err != nil || p.Refusal(target) != nil {
					t.Errorf("a call: %v", err)
					return
				}
			}
		})
	}
	for range 50 {
		if old := p.Put(p.prepared(t, "a", quick())); old != nil {
			old.Close()
		}
		if _, err := registry.Gather(); err != nil {
			t.Error(err)
		}
	}
	enough.Store(true)
	callers.Wait()
}

func TestSettingsFromAnOperatorAreGuarded(t *testing.T) {
	t.Parallel()
	p, _ := newTalkers(t)
	for _, local := range []bool{true, false} {
		s := Settings{BaseURL: "http://127.0.0.1:1/v1"}
		h, err := p.Prepare("p", s, nil, local)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Open(t.Context(), "m", hi())
		if refused := err != nil && strings.Contains(err.Error(), "loopback"); refused == local {
			t.Errorf("local %t: %v", local, err)
		}
		h.Close()
	}
}
