package budget

import (
	"sync"

	"example.com/parley/messages"
)

// attempt names what is held.
type attempt struct {
	tenant  messages.TenantID
	request messages.TurnID
	number  int
}

func attemptOf(row *messages.UsageRow) attempt {
	return attempt{row.Tenant, row.Request, row.Attempt}
}

// hold is what an attempt holds: the same of each of its budgets.
type hold struct {
	of      pockets
	day     int // of the request, which says the periods
	amount  messages.NanoDollars
	settled bool // amount is what it came to
}

// holdShards is how many maps the holds are spread over, so that requests seldom
// wait for each other.
const holdShards = 64

// holds are what attempts hold from their reservation until the store has their
// rows.
type holds [holdShards]struct {
	mu  sync.Mutex
	all map[attempt]hold
}

func newHolds() *holds {
	h := &holds{}
	for i := range h {
		h[i].all = make(map[attempt]hold)
	}
	return h
}

// place is the shard of an attempt. The last bytes of a request's id are random.
func place(a *attempt) int { return int(a.request[15]) % holdShards }

func (h *holds) put(a attempt, held hold) {
	s := &h[place(&a)]
	s.mu.Lock()
	s.all[a] = held
	s.mu.Unlock()
}

// settle sets what an attempt came to, and returns how much less that is than was
// held. It finds each attempt once.
func (h *holds) settle(a attempt, cost messages.NanoDollars) (held hold, back messages.NanoDollars, found bool) {
	s := &h[place(&a)]
	s.mu.Lock()
	defer s.mu.Unlock()
	held, found = s.all[a]
	if !found || held.settled {
		return hold{}, 0, false
	}
	back = held.amount - cost
	if cost == 0 { // nothing of it will be counted
		delete(s.all, a)
		return held, back, true
	}
	held.amount, held.settled = cost, true
	s.all[a] = held
	return held, back, true
}

// take returns what is held for an attempt, and forgets it.
func (h *holds) take(a attempt) (held hold, found bool) {
	s := &h[place(&a)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if held, found = s.all[a]; found {
		delete(s.all, a)
	}
	return held, found
}
