package http

import (
	"math/rand/v2"
	"sync"
	"time"

	"example.com/parley/messages"
)

// sockets knows the WebSocket connections: how many whose there are, and which are
// to be looked after. It is safe for concurrent use.
type sockets struct {
	cfg   *SessionConfig
	wheel wheel

	mu        sync.Mutex
	open      int
	tenants   map[messages.TenantID]int
	addresses map[string]int
	rate      bucket // of handshakes
}

func newSockets(cfg *SessionConfig) *sockets {
	return &sockets{
		cfg: cfg, tenants: make(map[messages.TenantID]int), addresses: make(map[string]int),
	}
}

// enter counts a connection in, or refuses it. It counts among the exchanges that a
// drain waits for, until it leaves.
func (k *sockets) enter(n *session) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.tenants[n.asked.tenant] >= k.cfg.MaxTenant:
		return tooManyConnections("this tenant")
	case k.addresses[n.address] >= k.cfg.MaxAddress:
		return tooManyConnections("this address")
	case !k.rate.take(time.Now(), k.cfg.AcceptRate):
		return tooFast()
	}
	k.open++
	k.tenants[n.asked.tenant]++
	k.addresses[n.address]++
	n.server.metrics.WebSockets.Inc()
	return nil
}

// leave counts a connection out.
func (k *sockets) leave(n *session) {
	n.letGo()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open--
	decrease(k.tenants, n.asked.tenant)
	decrease(k.addresses, n.address)
	n.server.metrics.WebSockets.Dec()
	n.server.running.leave()
}

// letGo gives back what the connection counts among its tenant's.
func (n *session) letGo() {
	if n.held != nil {
		n.held.Settle(0)
	}
}

// use is who limits are for.
func (n *session) use() messages.LimitUse {
	return messages.LimitUse{Tenant: n.asked.tenant, Key: n.asked.key, Address: n.address}
}

// decrease forgets whoever has nothing left.
func decrease[Name comparable](counts map[Name]int, name Name) {
	if counts[name]--; counts[name] <= 0 {
		delete(counts, name)
	}
}

// watch has the wheel look after a connection whose handshake is over.
func (k *sockets) watch(n *session) {
	k.wheel.add(n)
	if n.server.running.isClosing() { // it came in while the others were told
		n.leaveSoon(k.spread())
	}
}

func (k *sockets) unwatch(n *session) { k.wheel.remove(n) }

// drain tells all connections that the server stops. Those that were told end, also
// where that is undone.
func (k *sockets) drain() {
	spread := k.spread()
	k.wheel.each(func(n *session) { n.leaveSoon(spread) })
}

// spread is the time over which connections are to come back, so that they are
// taken as they come.
func (k *sockets) spread() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return leastSpread + time.Duration(k.open)*time.Second/time.Duration(k.cfg.AcceptRate)
}

// leastSpread is what few connections get to come back in.
const leastSpread = time.Second

// jittered is a moment within a spread.
func jittered(spread time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(spread))) // #nosec G404 -- nobody gains by guessing it
}

// cut closes what is left without a word.
func (k *sockets) cut() { k.wheel.each(func(n *session) { _ = n.line.Close() }) }

func tooManyConnections(whose string) error {
	return &messages.Failure{
		Code: messages.CodeTooManyConnections, What: whose + " has as many WebSocket connections as it may",
		Do: "close some, or use streams of one connection", RetryAfter: soon + jittered(soon),
	}
}

// tooFast refuses a connection in a storm. Each is told another moment to come
// again.
func tooFast() error {
	return &messages.Failure{
		Code: messages.CodeOverloaded, What: "too many connections are being opened at once",
		Do: "connect again after Retry-After", RetryAfter: soon + jittered(2*soon),
	}
}
