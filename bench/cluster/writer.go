package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// writer asks one question after the other in its conversation. Its fields are its
// goroutine's, but for those behind the lock.
type writer struct {
	client       *client
	fleet        *fleet
	conversation string

	mu           sync.Mutex
	acknowledged []string
	fault        time.Time      // when the last one began; zero once an answer came behind it
	outages      []float64      // milliseconds
	refused      map[string]int // by status: what no client should try again behind
	failed       map[string]int // likewise, what may be tried again
}

func newWriter(ctx context.Context, f *fleet, i int) (*writer, error) {
	w := &writer{client: newClient(), fleet: f, refused: make(map[string]int), failed: make(map[string]int)}
	var err error
	w.conversation, err = w.client.converse(ctx, f.nodes[i%len(f.nodes)])
	return w, err
}

// run asks until ctx ends.
func (w *writer) run(ctx context.Context) {
	defer w.client.close()
	for n := 0; ctx.Err() == nil; n++ {
		to := w.fleet.nodes[n%len(w.fleet.nodes)]
		if to.isAway() {
			continue
		}
		text := fmt.Sprintf("question %d", n)
		// Not ctx: what is asked is waited for, unless its server is gone.
		status, _, err := w.client.say(to.until(), to, w.conversation, text) //nolint:contextcheck // see above
		w.note(status, err, text)
	}
}

func (w *writer) note(status int, err error, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil:
		w.failed["broken off"]++
	case status == http.StatusOK:
		w.acknowledged = append(w.acknowledged, text)
		if !w.fault.IsZero() {
			w.outages = append(w.outages, float64(time.Since(w.fault))/float64(time.Millisecond))
			w.fault = time.Time{}
		}
	case status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || status == http.StatusConflict:
		w.failed[fmt.Sprint(status)]++
	default:
		w.refused[fmt.Sprint(status)]++
	}
}

// befall says that a fault begins now.
func (w *writer) befall() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = time.Now()
}

// recovered returns what the last fault cost, once that is known.
func (w *writer) recovered() (outages []float64, done bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.fault.IsZero() {
		return nil, false
	}
	outages, w.outages = w.outages, nil
	return outages, true
}
