package tenant

import (
	"hash/maphash"
	"sync"

	"example.com/parley/messages"
)

// holders are all who were seen lately, in parts with a lock each. It is safe for
// concurrent use.
type holders struct {
	seed  maphash.Seed
	parts [holderParts]holdersPart
}

type holdersPart struct {
	mu        sync.RWMutex
	all       map[holderName]*holder
	models    map[messages.TenantID]int
	addresses int
}

const (
	holderParts = 64
	// maxModels bounds the models of one tenant that are told apart: clients
	// write their names. Further ones count as one.
	maxModels = 1000
	// maxAddresses bounds the addresses of a part, 65,536 in all, at some 400
	// bytes. While they are that many, further ones go uncounted: whoever has so
	// many is not to be stopped here.
	maxAddresses = 1024
)

func newHolders() *holders {
	t := &holders{seed: maphash.MakeSeed()}
	for i := range t.parts {
		t.parts[i].all, t.parts[i].models = make(map[holderName]*holder), make(map[messages.TenantID]int)
	}
	return t
}

// part is where a holder is. All of one tenant are in one, so that its models are
// easily counted.
func (t *holders) part(name *holderName) *holdersPart {
	if name.scope == addressScope {
		return &t.parts[maphash.Comparable(t.seed, name.source)%holderParts]
	}
	return &t.parts[maphash.String(t.seed, string(name.tenant))%holderParts]
}

// of returns a holder, a new one where it was not seen lately; nil for an address
// too many. One that is named in a rule is not mixed up with others.
func (t *holders) of(name *holderName, named bool) *holder {
	p := t.part(name)
	p.mu.RLock()
	h := p.all[*name]
	p.mu.RUnlock()
	if h != nil {
		return h
	}
	return p.make(*name, named)
}

func (p *holdersPart) make(name holderName, named bool) *holder {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.all[name] != nil: // another came first
		return p.all[name]
	case name.scope == addressScope && p.addresses >= maxAddresses:
		return nil
	case name.scope == modelScope && !named && p.models[name.tenant] >= maxModels:
		if name.name = ""; p.all[name] != nil { // the one that stands for all others
			return p.all[name]
		}
	}
	h := &holder{name: name}
	p.all[name] = h
	p.count(name, 1)
	return h
}

func (p *holdersPart) count(name holderName, n int) {
	switch name.scope {
	case addressScope:
		p.addresses += n
	case modelScope:
		if p.models[name.tenant] += n; p.models[name.tenant] == 0 {
			delete(p.models, name.tenant)
		}
	}
}

// each calls f for every holder, which it may lock.
func (t *holders) each(f func(*holder)) {
	for i := range t.parts {
		p := &t.parts[i]
		p.mu.RLock()
		all := make([]*holder, 0, len(p.all))
		for _, h := range p.all {
			all = append(all, h)
		}
		p.mu.RUnlock()
		for _, h := range all {
			f(h)
		}
	}
}

// remove takes a holder out, whose lock is held and which is gone.
func (t *holders) remove(h *holder) {
	p := t.part(&h.name)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, h.name)
	p.count(h.name, -1)
}

// len is how many there are.
func (t *holders) len() (n int) {
	for i := range t.parts {
		t.parts[i].mu.RLock()
		n += len(t.parts[i].all)
		t.parts[i].mu.RUnlock()
	}
	return n
}
