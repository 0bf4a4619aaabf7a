package fake

import (
	"sync"
	"sync/atomic"
)

// switchboard has what was switched on at run time. Its zero value is ready.
type switchboard struct {
	mu   sync.Mutex                          // of writers
	live atomic.Pointer[map[string]*circuit] // by model; "" is all
}

// circuit is one behaviour that was switched on. It counts its own calls, for
// first-N and every-N.
type circuit struct {
	terms string
	calls atomic.Int64
}

// Switch makes calls of the model ("" means all) behave as the terms say, over
// what their own name says, until Restore. It fails for what is no term.
func (s *Server) Switch(model, terms string) error {
	if _, err := Parse(Behaviour{}, terms); err != nil {
		return err
	}
	s.switches.set(model, &circuit{terms: terms})
	return nil
}

// Restore takes back what was switched for the model.
func (s *Server) Restore(model string) { s.switches.set(model, nil) }

func (b *switchboard) set(model string, c *circuit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := make(map[string]*circuit)
	if last := b.live.Load(); last != nil {
		for name, circuit := range *last {
			next[name] = circuit
		}
	}
	next[model] = c
	if c == nil {
		delete(next, model)
	}
	b.live.Store(&next)
}

// find returns what is switched on for the model itself, else for all, else nil.
func (b *switchboard) find(model string) *circuit {
	live := b.live.Load()
	if live == nil {
		return nil
	}
	if c, ok := (*live)[model]; ok {
		return c
	}
	return (*live)[""]
}

// behaviour puts together what the configuration, the model's name, the header
// and the switchboard say of a call. n counts the model's calls.
func (s *Server) behaviour(model, header string, n int64) (Behaviour, error) {
	b, _, err := ParseModel(s.cfg.Behaviour, model)
	if err == nil && header != "" {
		b, err = Parse(b, header)
	}
	if on := s.switches.find(model); on != nil && err == nil {
		n = on.calls.Add(1)
		b, err = Parse(b, on.terms)
	}
	if err == nil && !b.Fault.befalls(n) {
		b.Fault = Fault{}
	}
	return b, err
}
