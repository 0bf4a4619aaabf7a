package conversation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/messages"
)

// warmUp makes calls until one more may be made twice.
func (w *world) warmUp(send func(*messages.StartTurn)) {
	for range 20 {
		m := w.stateless("hi")
		send(m)
		<-m.Reply
		read(m)
	}
	w.models.calls, w.ledger.rows = nil, nil
}

func TestHedge(t *testing.T) {
	t.Parallel()
	rejected := &messages.Failure{Code: messages.CodeProviderRejected}
	for name, tt := range map[string]struct {
		late     map[string]time.Duration
		open     map[string]error
		cold     bool // nothing was saved up
		calls    int
		provider string
		took     time.Duration
	}{
		"one that is in time is not disturbed": {calls: 1, provider: "p1"},
		"one that is late gets a rival": {
			late: map[string]time.Duration{"p1": time.Minute}, calls: 2, provider: "p2", took: time.Second,
		},
		"and wins if it is faster still": {
			late: map[string]time.Duration{"p1": 2 * time.Second, "p2": time.Minute}, calls: 2, provider: "p1", took: 2 * time.Second,
		},
		"a rival that fails leaves it alone": {
			late: map[string]time.Duration{"p1": 3 * time.Second}, open: map[string]error{"p2": errReset}, calls: 2, provider: "p1", took: 3 * time.Second,
		},
		"one that refuses the request speaks for both": {
			late: map[string]time.Duration{"p1": 3 * time.Second}, open: map[string]error{"p2": rejected}, calls: 2, took: time.Second,
		},
		"where both fail the third is asked": {
			late: map[string]time.Duration{"p1": 3 * time.Second}, open: map[string]error{"p1": errReset, "p2": errReset}, calls: 3, provider: "p3",
			took: 3 * time.Second,
		},
		"a rival that panics is the turn's failure alone": {
			late: map[string]time.Duration{"p1": 3 * time.Second}, open: map[string]error{"p2": errPanic}, calls: 2, took: time.Second,
		},
		"no more than one call of twenty is made twice": {
			late: map[string]time.Duration{"p1": 5 * time.Second}, cold: true, calls: 1, provider: "p1", took: 5 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, hello()...)
				w.deps.Config.HedgeAfter = time.Second
				w.models.targets = []messages.Target{{Provider: "p1"}, {Provider: "p2"}, {Provider: "p3"}}
				pool := w.pool()
				if !tt.cold {
					w.warmUp(pool.Send)
				}
				w.models.late, w.models.open = tt.late, tt.open
				began := time.Now()
				m := w.stateless("hi")
				pool.Send(m)
				<-m.Reply
				got := read(m)
				if took := time.Since(began); got.served.Provider != tt.provider || took != tt.took {
					t.Errorf("%q answered after %s, want %q after %s (%v)", got.served.Provider, took, tt.provider, tt.took, got.end.Err)
				}
				w.deps.Workers.Wait()
				if len(w.models.calls) != tt.calls || len(w.ledger.rows) != tt.calls || w.models.running != 0 {
					t.Errorf("%d calls with %d rows, and %d answers that are open; want %d calls", len(w.models.calls), len(w.ledger.rows), w.models.running, tt.calls)
				}
				if billed := w.ledger.billed(); tt.provider != "" && billed != 1 {
					t.Errorf("%d rows have a cost", billed)
				}
			})
		})
	}
}
