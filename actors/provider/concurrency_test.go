package provider

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

func TestLongRepliesDoNotShrinkTheLimit(t *testing.T) {
	t.Parallel()
	for name, stream := range map[string]bool{"in one piece": false, "streamed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.handle.inFlight.Store(200) // the limit is in use
				for i := range 200 {
					answer, err := b.handle.Open(context.Background(), "m", &messages.Call{Stream: stream})
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(10 * time.Millisecond)
					_, _ = answer.Next()
					time.Sleep(time.Duration(i) * time.Second) // ever longer
					for err == nil {
						_, err = answer.Next()
					}
					_ = answer.Close()
				}
				synctest.Wait()
				if got := b.handle.Snapshot().Limit; got < 256 {
					t.Errorf("the limit is %d", got)
				}
			})
		})
	}
}

func TestProviderThatDropsCallsGetsFewer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.handle.inFlight.Store(200)
		now := time.Now()
		for i := range 20 {
			b.handle.report(&ended{
				model: "m", began: now, beside: 200 + i, outcome: messages.Outcome{Kind: messages.OutcomeRateLimited, RetryAfter: time.Millisecond},
			})
		}
		synctest.Wait()
		if got := b.handle.Snapshot().Limit; got >= 256 {
			t.Errorf("the limit is %d", got)
		}
	})
}

// twoProviders returns two providers, of which one takes two calls at once.
func twoProviders(t *testing.T) *Providers {
	t.Helper()
	p, err := New(Config{
		"small": {BaseURL: "http://127.0.0.1:1", MaxConcurrency: 2},
		"large": {BaseURL: "http://127.0.0.1:1"},
	}, Deps{Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestClaimsAndCallsCountAgainstTheLimit(t *testing.T) {
	t.Parallel()
	p := twoProviders(t)
	small := messages.Target{Provider: "small", Model: "m"}
	release, room := p.Claim(small)
	if room != RoomClaimed {
		t.Fatalf("got %d", room)
	}
	p.table.Load().handles["small"].inFlight.Add(1)
	if _, room := p.Claim(small); room != RoomFull {
		t.Errorf("with a claim and a call it has room for %d", room)
	}
	release()
	if _, room := p.Claim(small); room != RoomClaimed {
		t.Errorf("after the release: %d", room)
	}
	p.table.Load().handles["small"].inFlight.Add(1)
	if f := p.Refusal(small); f == nil || f.Code != messages.CodeProviderBusy || !p.IsSpare(small) {
		t.Errorf("the router is told %v", f)
	}
	if _, room := p.Claim(messages.Target{Provider: "absent"}); room != RoomNone {
		t.Errorf("of an unknown provider: %d", room)
	}
}

func TestFloorIsTheLeastLimitThatWasFoundOut(t *testing.T) {
	t.Parallel()
	p := twoProviders(t)
	if p.Floor() != 0 {
		t.Errorf("with a fixed limit it is %d: turns could enter past it", p.Floor())
	}
	p.table.Load().handles["small"].concurrency.fixed = false
	p.room.measure()
	if p.Floor() != 2 {
		t.Errorf("it is %d", p.Floor())
	}
}
