package edge

import (
	"context"
	"errors"
	"sync"
	"time"

	"example.com/parley/messages"
)

// place is which server the node follows. It is safe for concurrent use.
type place struct {
	mu    sync.Mutex
	at    *followed     // nil while the core is out of reach
	found chan struct{} // closed once there is one
	lost  time.Time     // when there was none any more; zero before there was contact
}

// followed is the server that the node follows, until it is lost.
type followed struct {
	*peer
	ctx  context.Context // ends what goes on there when the server is lost
	lose context.CancelFunc
}

func (p *place) now() *followed {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

// hold makes a server the one that requests go to.
func (p *place) hold(f *followed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = f
		close(p.found)
	}
}

// expect has requests wait for a server to follow, also where there was none before: the
// node says from now on that it is ready.
func (p *place) expect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost.IsZero() {
		p.lost = time.Now()
	}
}

// retire has no more requests go to a server. What goes on there goes on.
func (p *place) retire(f *followed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == f {
		p.at, p.found, p.lost = nil, make(chan struct{}), time.Now()
	}
}

// leave ends what goes on at a server, too.
func (p *place) leave(f *followed) {
	p.retire(f)
	f.lose()
	f.rest()
}

// followPatience is how long a request waits for a server to follow when one was
// just lost: about as long as it takes to find that the next one is there.
const followPatience = 2 * time.Second

// await returns the server that is followed, and waits for one where the last was just
// lost.
func (p *place) await(ctx context.Context) (*followed, error) {
	p.mu.Lock()
	at, found, left := p.at, p.found, followPatience-time.Since(p.lost)
	p.mu.Unlock()
	if at != nil || left <= 0 {
		return at, outOfReach(at)
	}
	patience := time.NewTimer(left)
	defer patience.Stop()
	select {
	case <-found:
	case <-patience.C:
	case <-ctx.Done():
	}
	at = p.now()
	return at, outOfReach(at)
}

var errOutOfReach = errors.New("the core is out of reach")

func outOfReach(at *followed) error {
	if at == nil {
		return messages.CutOff(errOutOfReach)
	}
	return nil
}
