package main

import (
	"sync"
	"time"
)

// outcome is what a client knows of a write.
type outcome int

const (
	unknown  outcome = iota // nobody answered: it may be there or not
	told                    // it is there
	declined                // its reply is not there as a whole, and never will be
)

// operation is a write, or a read of all that is there.
type operation struct {
	write   bool
	token   int // of a write
	outcome outcome
	seen    []int // by a read, in order
	client  int
	called  time.Duration // since the run began
	ended   time.Duration
}

// history is what clients did with a conversation. It is safe for concurrent use.
type history struct {
	conversation string

	mu         sync.Mutex
	operations []operation
	tokens     int
}

// next is a token that nobody has written.
func (h *history) next() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens++
	return h.tokens
}

func (h *history) note(o operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, o)
}
