package budget

import "example.com/parley/messages"

// pockets are those that a request takes from: its tenant's, and its key's.
type pockets struct{ tenant, key []*pocket }

// each calls f for all, the tenant's first.
func (p pockets) each(f func(*pocket)) {
	for _, one := range p.tenant {
		f(one)
	}
	for _, one := range p.key {
		f(one)
	}
}

func (p pockets) empty() bool { return len(p.tenant)+len(p.key) == 0 }

// snapshot finds pockets. It is immutable; the actor publishes a new one when
// budgets have changed.
type snapshot map[messages.TenantID]*owned

// owned are a tenant's pockets.
type owned struct {
	tenant []*pocket
	keys   map[messages.KeyID][]*pocket
}

func (s snapshot) of(tenant messages.TenantID, key messages.KeyID) pockets {
	o := s[tenant]
	if o == nil {
		return pockets{}
	}
	return pockets{tenant: o.tenant, key: o.keys[key]}
}

func newSnapshot(all map[messages.BudgetID]*pocket) snapshot {
	s := make(snapshot)
	for _, p := range all {
		o := s[p.tenant]
		if o == nil {
			o = &owned{keys: make(map[messages.KeyID][]*pocket)}
			s[p.tenant] = o
		}
		if p.key != "" {
			o.keys[p.key] = append(o.keys[p.key], p)
		} else {
			o.tenant = append(o.tenant, p)
		}
	}
	return s
}
