package admission

import "example.com/parley/messages"

// unit is what a place costs a tenant of weight 1, in virtual time. A tenant of
// weight 2 pays half of it.
const unit = 1 << 20

// share divides the places of a class among tenants, by start-time fair queueing
// (Goyal, Vin and Cheng, 1996): the next place goes to the tenant whose next turn
// is due first, in a virtual time that runs by what was let in. Among those that
// wait all the time, each gets places in proportion to its weight, to within one
// place, whatever the others send; who waits for the first time in a while is due
// at once, and has saved up nothing. It is pure, and its caller bounds it.
type share struct {
	clock    uint64 // the virtual time: when the turn that was let in last was due
	accounts map[messages.TenantID]*account
	tenants  int // that wait
	length   int // turns that wait, in all lines
}

// account is what a tenant has in a class.
type account struct {
	tenant  messages.TenantID
	paid    uint64 // the virtual time until which its places are paid for
	waiting int    // turns, in all lines
	weight  int    // of its newest turn
}

// flow is the turns of one tenant that wait in one line and class, in their order.
type flow struct {
	line    *line
	class   int
	account *account
	since   uint64 // the virtual time at which it began to wait
	index   int    // among the flows of its line and class
	fifo
}

// due is when the first of a flow is to be let in, in virtual time.
func (f *flow) due() uint64 { return max(f.since, f.account.paid) }

// before tells whether the first of a flow is due before that of another.
func (f *flow) before(other *flow) bool {
	if due, others := f.due(), other.due(); due != others {
		return due < others
	}
	return f.first().serial < other.first().serial
}

// account returns that of a turn's tenant, which it opens where there is none.
func (s *share) account(m *messages.StartTurn) *account {
	if s.accounts == nil {
		s.accounts = make(map[messages.TenantID]*account)
	}
	a := s.accounts[m.Spec.Tenant]
	if a == nil {
		a = &account{tenant: m.Spec.Tenant}
		s.accounts[a.tenant] = a
	}
	a.weight = max(m.Weight, 1)
	return a
}

// comes counts a turn in.
func (s *share) comes(a *account) {
	if a.waiting == 0 {
		s.tenants++
	}
	a.waiting++
	s.length++
}

// serve charges the first of a flow to its tenant. It is called before the turn is
// taken out.
func (s *share) serve(f *flow) {
	due := f.due()
	s.clock = max(s.clock, due)
	f.account.paid = due + unit/uint64(f.account.weight) // #nosec G115 -- from 1
}

// goes counts so many turns of a tenant out. When nobody is left all accounts are
// closed, and at times those of tenants that owe nothing.
func (s *share) goes(a *account, count int) {
	s.length -= count
	if a.waiting -= count; a.waiting == 0 {
		s.tenants--
	}
	switch {
	case s.length == 0:
		*s = share{}
	case len(s.accounts) > 2*s.tenants+manyAccounts:
		s.close()
	}
}

// manyAccounts is how many tenants may be remembered that do not wait.
const manyAccounts = 64

func (s *share) close() {
	for tenant, a := range s.accounts {
		if a.paid <= s.clock && a.waiting == 0 {
			delete(s.accounts, tenant)
		}
	}
}

// most returns the tenant that has most turns here for its weight. Somebody waits.
func (s *share) most() (most *account) {
	for _, a := range s.accounts {
		if most == nil || a.over(a.waiting) > most.over(most.waiting) || a.over(a.waiting) == most.over(most.waiting) && a.tenant < most.tenant {
			most = a
		}
	}
	return most
}

// over is how much so many turns are, for the tenant's weight.
func (a *account) over(turns int) float64 { return float64(turns) / float64(a.weight) }
