package http

import (
	"context"
	"sync"
)

// running counts the exchanges that a drain waits for. It is safe for
// concurrent use.
type running struct {
	mu      sync.Mutex
	count   int
	closing bool
	idle    chan struct{} // closed when closing and none is left
}

func newRunning() *running { return &running{idle: make(chan struct{})} }

// enter counts an exchange in, or refuses it because the server stops.
func (r *running) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return false
	}
	r.count++
	return true
}

// leave counts an exchange out.
func (r *running) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count--
	if r.closing && r.count == 0 {
		close(r.idle)
	}
}

// close refuses further exchanges. It is called once.
func (r *running) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closing = true
	if r.count == 0 {
		close(r.idle)
	}
}

// isClosing tells whether the server is to be sent no more work.
func (r *running) isClosing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closing
}

// wait returns when no exchange is left, or when ctx ends.
func (r *running) wait(ctx context.Context) {
	select {
	case <-r.idle:
	case <-ctx.Done():
	}
}
