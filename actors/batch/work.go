package batch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// work is one batch. Its results are written by its goroutines, each in a place
// of its own, and read under the lock.
type work struct {
	spec    messages.BatchSpec
	account *account
	counted func(err error) // for the metrics, once a request
	cancel  context.CancelCauseFunc
	ctx     context.Context

	mu      sync.Mutex
	seen    messages.Batch // without results
	results []messages.BatchResult
	ended   []bool // by place
	bytes   int64  // taken off the account
}

func newWork(ctx context.Context, spec messages.BatchSpec, a *account, counted func(error)) *work {
	w := &work{spec: spec, account: a, counted: counted, bytes: int64(spec.Bytes)}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.results, w.ended = make([]messages.BatchResult, len(spec.Requests)), make([]bool, len(spec.Requests))
	w.seen = messages.Batch{ID: spec.ID, Status: messages.BatchRunning, Total: len(spec.Requests), Created: time.Now()}
	return w
}

// run asks all requests, at most so many at a time, and returns when each has an
// end.
func (w *work) run(turns Turns, atOnce int) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(atOnce, len(w.spec.Requests)) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(w.spec.Requests) {
					return
				}
				w.one(turns, i)
			}
		})
	}
	workers.Wait()
}

// one asks the request at a place. Once the batch is cancelled the rest is not
// asked.
func (w *work) one(turns Turns, i int) {
	r := &w.spec.Requests[i]
	if r.Turn.Deadline = w.spec.Deadline; r.Turn.Deadline.IsZero() {
		r.Turn.Deadline = time.Now().Add(w.spec.Patience)
	}
	var body []byte
	err := context.Cause(w.ctx)
	if err == nil {
		body, err = answer(w.ctx, turns, r)
	}
	if err == nil && !w.account.take(w.spec.Tenant, int64(len(body))) {
		body, err = nil, tooMuch()
		w.cancel(tooMuch()) // the rest would be paid for and thrown away
	}
	w.keep(i, body, err)
}

// keep notes what came of the request at a place, and lets go of the request.
func (w *work) keep(i int, body []byte, err error) {
	r := &w.spec.Requests[i]
	w.counted(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.results[i] = messages.BatchResult{Index: i, CustomID: r.CustomID, Request: r.Turn.ID, Body: body, Err: err}
	w.ended[i] = true
	w.bytes += int64(len(body))
	if err != nil {
		w.seen.Failed++
	} else {
		w.seen.Completed++
	}
	*r = messages.BatchRequest{}
}

// finish sets the state that stays, and gives back what the requests took.
func (w *work) finish(keepFor time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen.Status = messages.BatchComplete
	if w.ctx.Err() != nil && messages.CodeOf(context.Cause(w.ctx)) == messages.CodeCancelled {
		w.seen.Status = messages.BatchCancelled
	}
	w.seen.Ended = time.Now()
	w.seen.Expires = w.seen.Ended.Add(keepFor)
	w.spec.Requests = nil
	w.account.give(w.spec.Tenant, int64(w.spec.Bytes))
	w.bytes -= int64(w.spec.Bytes)
}

// look returns how far the batch is, with the results that there are.
func (w *work) look() messages.Batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.seen
	b.Results = make([]messages.BatchResult, 0, b.Completed+b.Failed)
	for i := range w.results {
		if w.ended[i] {
			b.Results = append(b.Results, w.results[i])
		}
	}
	return b
}

// runs tells whether the batch is at work, and otherwise when it is forgotten.
func (w *work) runs() (running bool, expires time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen.Status == messages.BatchRunning, w.seen.Expires
}

// forget gives back what the results took. Nobody finds the batch any more.
func (w *work) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.account.give(w.spec.Tenant, w.bytes)
	w.bytes = 0
}
