package tenant

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// Shares is where nodes settle how much each may use. persistence/redis implements
// it.
type Shares interface {
	// Exchange tells the others what this node used, and returns a share for each
	// report and how many nodes there are. It may be called again with the same
	// reports when nobody knows whether they arrived.
	Exchange(ctx context.Context, reports []messages.LimitReport) (shares []messages.LimitShare, nodes int, err error)
	// Leave tells the others that this node is not one of them any more.
	Leave(ctx context.Context) error
}

// sharing is what a limiter has to do with those of other nodes. Requests read it,
// and put holders on its list; one goroutine does the rest. Nil is for one node.
type sharing struct {
	shares  Shares
	least   int64 // nodes that are counted with in any case
	metrics *shareMetrics

	heard atomic.Int64 // microseconds: when an exchange last went well; it began then
	lost  atomic.Int64 // microseconds for which nothing was heard, of all time
	alone atomic.Bool  // nothing was heard for long
	nodes atomic.Int64 // there were lately; at least one
	wake  chan struct{}

	mu      sync.Mutex
	changed []*holder // that came to the list since the last exchange

	// These are the goroutine's.
	listed  []*holder
	fewer   int64 // microseconds: since when there are fewer nodes; 0 where there are not
	retry   int64 // microseconds: no exchange before that
	failed  int   // exchanges in a row
	reports []messages.LimitReport
	about   []*holder // whom the reports are about
}

func newSharing(shares Shares, least int, metrics *shareMetrics) *sharing {
	s := &sharing{shares: shares, least: int64(max(1, least)), metrics: metrics, wake: make(chan struct{}, 1)}
	s.nodes.Store(s.least)
	s.heard.Store(-aloneAfter.Microseconds())
	s.alone.Store(true)
	return s
}

// isAlone tells whether the others were not heard for long.
func (s *sharing) isAlone() bool { return s.alone.Load() }

// alive is the time as those see it that other nodes share: it stands still while
// nothing is heard of them, because then what is shared fills in the nodes.
func (s *sharing) alive(now int64) int64 {
	return min(now, s.heard.Load()+aloneAfter.Microseconds()) - s.lost.Load()
}

// join puts a holder, whose lock is held, on the list.
func (s *sharing) join(h *holder, now int64) {
	if s == nil {
		return
	}
	if h.share == nil {
		h.share = newShare(s, &h.name)
	}
	h.share.touched = true
	if h.share.listed {
		return
	}
	h.wake(now)
	h.share.listed, h.share.active = true, now
	s.mu.Lock()
	s.changed = append(s.changed, h)
	s.mu.Unlock()
}

// urge has the next exchange come soon. It never waits.
func (s *sharing) urge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

const (
	// exchangeGap is between two exchanges at least.
	exchangeGap = 5 * time.Millisecond
	// exchangeTimeout bounds one: one that takes longer is no help.
	exchangeTimeout = time.Second
	// slowestRetry is between two tries while the others cannot be reached. For so
	// long a node may fill by itself what fills at the others again.
	slowestRetry = 250 * time.Millisecond
	// fewerAfter is how long there have to be fewer nodes until they are counted as
	// fewer: after an outage they come back one by one.
	fewerAfter = 10 * time.Second
)

// Share tells other nodes what this one uses, and hears what it may use, until ctx
// ends. Where there are none it returns at once.
func (l *Limiter) Share(ctx context.Context) error {
	s := l.sharing
	if s == nil {
		return nil
	}
	ticker := time.NewTicker(exchangeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.wake:
			time.Sleep(exchangeGap)
		case <-ticker.C:
		case <-ctx.Done():
			s.leave(ctx, l.clock)
			return nil
		}
		s.exchange(ctx, l.clock)
	}
}

// leave gives back what is leased, as far as the others can be reached.
func (s *sharing) leave(ctx context.Context, clock func() int64) {
	ctx, release := context.WithTimeout(context.WithoutCancel(ctx), exchangeTimeout)
	defer release()
	s.retry = 0
	s.collect(clock(), true)
	for i := range s.reports {
		s.reports[i].Leaves = true
	}
	if _, _, err := s.shares.Exchange(ctx, s.reports); err != nil {
		return // what cannot be given back lapses
	}
	_ = s.shares.Leave(ctx) // likewise
}

// exchange tells what there is to be told, and goes by what comes back.
func (s *sharing) exchange(ctx context.Context, clock func() int64) {
	began := clock()
	s.alone.Store(began-s.heard.Load() > aloneAfter.Microseconds())
	s.collect(began, false)
	if began < s.retry || len(s.reports) == 0 && began-s.heard.Load() < quietAfter.Microseconds()/4 {
		return
	}
	ctx, release := context.WithTimeout(ctx, exchangeTimeout)
	defer release()
	shares, nodes, err := s.shares.Exchange(ctx, s.reports)
	now := clock()
	s.metrics.observe(time.Duration(now-began)*time.Microsecond, err)
	if err != nil || len(shares) != len(s.reports) {
		s.postpone(now)
		return
	}
	s.hear(began, now, int64(nodes))
	for i, h := range s.about {
		h.mu.Lock()
		h.receive(&s.reports[i], &shares[i], now)
		h.mu.Unlock()
	}
	s.strike()
	s.metrics.holders.Set(float64(len(s.listed)))
}

// collect makes the reports that are due, or those of all.
func (s *sharing) collect(now int64, all bool) {
	s.mu.Lock()
	s.listed = append(s.listed, s.changed...)
	clear(s.changed)
	s.changed = s.changed[:0]
	s.mu.Unlock()
	s.reports, s.about = s.reports[:0], s.about[:0]
	if now < s.retry {
		return
	}
	for _, h := range s.listed {
		h.mu.Lock()
		if all || h.due(now) {
			s.reports, s.about = append(s.reports, h.report(now, s.isAlone())), append(s.about, h)
		}
		h.mu.Unlock()
	}
}

// postpone has the next try wait for longer, the more have failed.
func (s *sharing) postpone(now int64) {
	s.failed++
	wait := min(exchangeEvery<<min(s.failed-1, 2), slowestRetry)
	s.retry = now + wait.Microseconds()
	for _, h := range s.about {
		h.mu.Lock()
		h.share.touched = true // it was not heard
		h.mu.Unlock()
	}
	s.alone.Store(now-s.heard.Load() > aloneAfter.Microseconds())
	s.metrics.alone(s.isAlone())
}

// hear takes down that an exchange went well.
func (s *sharing) hear(began, now, nodes int64) {
	if gap := began - s.heard.Load() - aloneAfter.Microseconds(); gap > 0 {
		s.lost.Add(gap) // before the time goes on
	}
	s.heard.Store(began)
	s.alone.Store(false)
	s.failed, s.retry = 0, 0
	switch nodes = max(nodes, s.least); {
	case nodes >= s.nodes.Load():
		s.nodes.Store(nodes)
		s.fewer = 0
	case s.fewer == 0:
		s.fewer = now
	case now-s.fewer > fewerAfter.Microseconds():
		s.nodes.Store(nodes)
		s.fewer = 0
	}
	s.metrics.alone(false)
	s.metrics.nodes.Set(float64(s.nodes.Load()))
}

// strike takes those off the list that left.
func (s *sharing) strike() {
	for i, h := range s.about {
		if !s.reports[i].Leaves {
			continue
		}
		h.mu.Lock()
		h.share.listed = h.share.touched // somebody may have come meanwhile
		h.mu.Unlock()
	}
	kept := s.listed[:0]
	for _, h := range s.listed {
		h.mu.Lock()
		if h.share.listed {
			kept = append(kept, h)
		}
		h.mu.Unlock()
	}
	clear(s.listed[len(kept):])
	s.listed = kept
}
