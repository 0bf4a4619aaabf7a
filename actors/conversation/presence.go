package conversation

import (
	"sync"
	"time"
)

// presence knows whether anybody waits for a turn that is kept: its client, or
// others who look on. One that nobody waits for goes on for a while, since its
// user may come back. It is safe for concurrent use.
type presence struct {
	mu      sync.Mutex
	present int
	timer   *time.Timer // running, or has run, since the last one left
	over    bool

	// Set before anybody enters.
	grace time.Duration
	gone  func() // called when nobody came back; more than once if somebody does after that
}

// enter counts somebody in.
func (p *presence) enter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.present++
	if p.timer != nil {
		p.timer.Stop()
	}
}

// leave counts somebody out. The last one's leave begins the time of grace.
func (p *presence) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.present--
	if p.present > 0 || p.over {
		return
	}
	if p.timer == nil {
		p.timer = time.AfterFunc(p.grace, p.expire)
	} else {
		p.timer.Reset(p.grace)
	}
}

func (p *presence) expire() {
	if p.isEmpty() {
		p.gone()
	}
}

// isEmpty tells whether nobody waits for a turn that still runs.
func (p *presence) isEmpty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.present <= 0 && !p.over
}

// close ends the counting: the turn has ended.
func (p *presence) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if p.timer != nil {
		p.timer.Stop()
	}
}
