package admission

import (
	"sync"
	"sync/atomic"

	"example.com/parley/messages"
)

// crowd counts who waits, or is on the way to the queue. Callers ask it whether
// there is room for them before they go there, so that a flood is refused in its
// own goroutines and never reaches the actor. It is safe for concurrent use.
type crowd struct {
	most       int64 // turns that wait, of all tenants
	mostTenant int64 // of one
	total      atomic.Int64

	mu      sync.Mutex
	tenants map[messages.TenantID]int64
	classes [messages.Priorities]int64
}

// onTheWay is how many turns may be on the way to a full queue whose actor is to
// push out others for them: that many may wait beyond the most for a moment.
const onTheWay = 16

func newCrowd(cfg Config) *crowd {
	return &crowd{most: cfg.MaxWaiting, mostTenant: cfg.mostTenant(), tenants: make(map[messages.TenantID]int64)}
}

// join counts a turn in, or says why it may not wait. A turn that joins a full
// queue has somebody pushed out there, or is refused there itself.
func (c *crowd) join(tenant messages.TenantID, class messages.Priority) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refusal(tenant, class); err != nil {
		return err
	}
	c.tenants[tenant]++
	c.classes[class]++
	c.total.Add(1)
	return nil
}

// look says whether a turn would have to be refused if it had to wait.
func (c *crowd) look(tenant messages.TenantID, class messages.Priority) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refusal(tenant, class)
}

// refusal is asked with the lock held.
func (c *crowd) refusal(tenant messages.TenantID, class messages.Priority) error {
	total := c.total.Load()
	switch {
	case c.most == 0:
		return overloaded(0)
	case c.tenants[tenant] >= c.mostTenant && c.mostTenant < c.most: // else it is nobody's own limit
		return tenantQueueFull()
	case total < c.most:
		return nil
	case total >= c.most+onTheWay || !c.yields(tenant, class):
		return overloaded(0)
	default:
		return nil
	}
}

// yields tells whether somebody in a full queue may have to make room: of a lower
// class, or of a tenant that has more of the queue than this one would have.
func (c *crowd) yields(tenant messages.TenantID, class messages.Priority) bool {
	for _, n := range c.classes[class+1:] {
		if n > 0 {
			return true
		}
	}
	return (c.tenants[tenant]+1)*int64(len(c.tenants)) < c.total.Load() // less than the mean
}

// leave counts a turn out.
func (c *crowd) leave(m *messages.StartTurn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total.Add(-1)
	c.classes[m.Spec.Priority]--
	if c.tenants[m.Spec.Tenant]--; c.tenants[m.Spec.Tenant] == 0 {
		delete(c.tenants, m.Spec.Tenant)
	}
}
