package provider

import (
	"fmt"
	"maps"

	"example.com/parley/messages"
)

// maxProviders bounds how many there are: each has metrics of its own, and a
// place in the router's rounds.
const maxProviders = 64

// Prepare makes a provider of settings that an operator sent, for Put. It is in
// no table yet, and calls nobody. One that takes another's place stays drained
// where that is; of its breaker, and of what it limits, nothing is known.
//
// Unless local is true its address has to be one on the internet, at the time of
// each connection: see address.go. Settings with faults are an error that names
// them all.
func (p *Providers) Prepare(name string, s Settings, models []string, local bool) (*Handle, error) {
	cfg := Config{name: s}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s = s.complete(name)
	s.guarded = !local
	h, err := p.make(name, s, models)
	if err != nil {
		return nil, err
	}
	if old, found := p.Handle(name); found {
		known := *h.health.Load()
		known.drained = old.health.Load().drained
		h.health.Store(&known)
	} else if len(p.Handles()) >= maxProviders {
		h.Close()
		return nil, &messages.Failure{
			Code: messages.CodeUnsupported, What: fmt.Sprintf("there are %d providers, and there can be no more", maxProviders),
			Do: "remove one, or change one", NoRetry: true,
		}
	}
	return h, nil
}

// Put has a provider that was prepared take its place, for the calls that begin
// after it. It returns the one whose place it was, if any: its calls go on, its
// actor is the caller's to stop, and its Close is to be called.
func (p *Providers) Put(h *Handle) (old *Handle) {
	return p.replace(func(handles map[string]*Handle) *Handle {
		old := handles[h.name]
		handles[h.name] = h
		return old
	})
}

// Remove takes a provider out of the table, for the calls that begin after it. It
// returns what there was, as Put does.
func (p *Providers) Remove(name string) (old *Handle) {
	return p.replace(func(handles map[string]*Handle) *Handle {
		old := handles[name]
		delete(handles, name)
		return old
	})
}

func (p *Providers) replace(change func(map[string]*Handle) *Handle) (old *Handle) {
	p.mu.Lock()
	defer p.mu.Unlock()
	handles := maps.Clone(p.table.Load().handles)
	old = change(handles)
	p.table.Store(newTable(handles))
	p.room.measure()
	p.room.freed()
	return old
}

// Close closes the connections that are idle, and the others as their calls end.
// What these come to is reported to nobody any more: the actor may be stopped.
func (h *Handle) Close() {
	h.tell.Store(nil)
	h.upstream.close()
}
