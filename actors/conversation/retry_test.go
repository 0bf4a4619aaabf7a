package conversation_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/messages"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		open     error
		heals    int // after so many refusals
		retries  int
		deadline time.Duration
		calls    int
		ok       bool
	}{
		"a provider that broke is asked again":      {open: errReset, heals: 1, retries: 2, calls: 2, ok: true},
		"and once more":                             {open: errReset, heals: 2, retries: 2, calls: 3, ok: true},
		"but not for ever":                          {open: errReset, heals: 9, retries: 2, calls: 3},
		"nor where the operator does not want that": {open: errReset, heals: 1, calls: 1},
		"nor when the turn would be over before":    {open: errReset, heals: 1, retries: 2, deadline: 50 * time.Millisecond, calls: 1},
		"one that limits its callers is left alone": {open: &messages.Failure{Code: messages.CodeProviderLimited}, heals: 1, retries: 2, calls: 1},
		"one that asks for a pause gets it": {
			open: &messages.Failure{Code: messages.CodeProviderFailed, RetryAfter: time.Minute}, heals: 1, retries: 2, calls: 1,
		},
		"one that was too slow has had its time":    {open: &messages.Failure{Code: messages.CodeProviderTimeout}, heals: 1, retries: 2, calls: 1},
		"what cannot get better is not tried":       {open: &messages.Failure{Code: messages.CodeProviderFailed, NoRetry: true}, heals: 1, retries: 2, calls: 1},
		"one that was taken away has a successor":   {open: errGone, heals: 2, calls: 3, ok: true},
		"which is not looked for without end":       {open: errGone, heals: 9, calls: 3},
		"a request that is wrong is wrong for ever": {open: &messages.Failure{Code: messages.CodeProviderRejected}, heals: 1, retries: 2, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, hello()...)
				w.deps.Config.Retries = tt.retries
				w.models.open, w.models.heals = map[string]error{"p1": tt.open}, map[string]int{"p1": tt.heals}
				m := w.stateless("hi")
				if tt.deadline > 0 {
					m.Spec.Deadline = time.Now().Add(tt.deadline)
				}
				w.pool().Send(m)
				<-m.Reply
				if got := read(m); (got.end.Err == nil) != tt.ok || len(w.models.calls) != tt.calls {
					t.Errorf("%d calls and %v, want %d and success: %t", len(w.models.calls), got.end.Err, tt.calls, tt.ok)
				}
				if billed := w.ledger.billed(); tt.ok && billed != 1 || !tt.ok && billed != 0 {
					t.Errorf("%d rows have a cost", billed)
				}
			})
		})
	}
}

var errGone = &messages.Failure{Code: messages.CodeProviderUnavailable, Cause: messages.ErrProviderGone}

func TestNobodyIsAskedAgainForAClientThatLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		w.journal.exists = true
		w.models.open, w.models.heals = map[string]error{"p1": errReset}, map[string]int{"p1": 1}
		client, leave := context.WithCancel(t.Context())
		m := w.turn("hi") // is kept, and goes on without its client
		m.Client = client
		leave()
		w.system.Root.Send(w.conversation(), m)
		<-m.Reply
		w.deps.Workers.Wait()
		if len(w.models.calls) != 1 {
			t.Errorf("%d calls, want 1", len(w.models.calls))
		}
	})
}

func TestRetriesAreATenthOfTheCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const turns, floor = 400, 10
		w := newWorld(t)
		w.deps.Config.Retries = 1
		w.models.open = map[string]error{"p1": errReset}
		pool := w.pool()
		began := time.Now()
		for range turns {
			m := w.stateless("hi")
			pool.Send(m)
			<-m.Reply
			read(m)
		}
		most := turns/10 + floor + int(time.Since(began).Seconds()*floor) + 1
		if retried := len(w.models.calls) - turns; retried > most || retried < turns/20 {
			t.Errorf("%d retries in %s, want about %d", retried, time.Since(began), most)
		}
	})
}

// billed is how many rows cost something.
func (l *ledger) billed() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.rows {
		if l.rows[i].Cost > 0 {
			n++
		}
	}
	return n
}
