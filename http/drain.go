package http

import "sync"

// running counts the exchanges that a drain waits for. It is safe for
// concurrent use.
type running struct {
	mu      sync.Mutex
	count   int
	closing bool
	idle    chan struct{} // closed when closing and none is left; another behind each open
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

// close refuses further exchanges. What it returns is closed when none is left, and
// never where open comes before that.
func (r *running) close() (idle <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return r.idle
	}
	r.closing = true
	if r.count == 0 {
		close(r.idle)
	}
	return r.idle
}

// open lets exchanges in again.
func (r *running) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		r.closing, r.idle = false, make(chan struct{})
	}
}

// left is how many exchanges run.
func (r *running) left() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// isClosing tells whether the server is to be sent no more work.
func (r *running) isClosing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closing
}
