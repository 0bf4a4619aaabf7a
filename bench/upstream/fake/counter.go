package fake

import (
	"maps"
	"sync"
)

// Counts is what a server was asked so far.
type Counts struct {
	Calls       int64            `json:"calls"`       // of chat completions and messages
	Streams     int64            `json:"streams"`     // of those
	Faults      int64            `json:"faults"`      // calls that a fault befell
	Aborted     int64            `json:"aborted"`     // calls whose client left before the end
	Running     int64            `json:"running"`     // calls whose answer is not over
	Connections int              `json:"connections"` // open now
	ByModel     map[string]int64 `json:"by_model"`
	ByKey       map[string]int64 `json:"by_key"`
	ByPath      map[string]int64 `json:"by_path"`
}

// counter counts. Its zero value is ready.
type counter struct {
	mu sync.Mutex
	n  Counts
}

// began counts a call, and returns how many there were of its model, this one
// included.
func (c *counter) began(path, key string, r *call) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n.ByModel == nil {
		c.n.ByModel, c.n.ByKey, c.n.ByPath = make(map[string]int64), make(map[string]int64), make(map[string]int64)
	}
	c.n.Calls++
	c.n.Running++
	if r.stream {
		c.n.Streams++
	}
	c.n.ByKey[key]++
	c.n.ByPath[path]++
	c.n.ByModel[r.model]++
	return c.n.ByModel[r.model]
}

func (c *counter) faulted() {
	c.mu.Lock()
	c.n.Faults++
	c.mu.Unlock()
}

func (c *counter) ended(aborted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n.Running--
	if aborted {
		c.n.Aborted++
	}
}

func (c *counter) read() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	n.ByModel, n.ByKey, n.ByPath = maps.Clone(n.ByModel), maps.Clone(n.ByKey), maps.Clone(n.ByPath)
	return n
}

// reset forgets everything but what is running.
func (c *counter) reset() {
	c.mu.Lock()
	c.n = Counts{Running: c.n.Running}
	c.mu.Unlock()
}

// Calls returns what the server was asked so far.
func (s *Server) Calls() Counts {
	n := s.calls.read()
	n.Connections = s.listener.count()
	return n
}

// ResetCalls begins to count anew.
func (s *Server) ResetCalls() { s.calls.reset() }
