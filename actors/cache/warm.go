package cache

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"example.com/parley/messages"
)

const (
	warmedAtOnce   = 4    // requests of one warming that run at the same time
	warmingsATime  = 16   // that run on a server
	tenantWarmings = 2    // of them of one tenant
	warmingsKept   = 1000 // whose end may be looked at
)

// Warmer has the cache filled ahead. It is safe for concurrent use; what it knows
// of warmings is gone with the process, and what they brought is in the cache.
type Warmer struct {
	cache  *Cache
	turns  Turns
	starts chan *warming

	mu    sync.Mutex
	all   map[messages.WarmingID]*warming
	order []*warming // oldest first
}

// NewWarmer returns a warmer for a cache. Run does the work.
func NewWarmer(c *Cache, turns Turns) *Warmer {
	return &Warmer{cache: c, turns: turns, starts: make(chan *warming, warmingsATime), all: make(map[messages.WarmingID]*warming)}
}

// Run carries warmings out until ctx ends; those that run are cancelled then.
func (w *Warmer) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case g := <-w.starts:
			running.Go(func() { g.run(ctx, w) })
		case <-ctx.Done():
			return nil
		}
	}
}

// Warm begins a warming. It fails with CodeTooManyTurns where too many run, and with
// CodeUnsupported where there is no cache to fill.
func (w *Warmer) Warm(spec messages.WarmingSpec) (messages.Warming, error) {
	if !w.cache.cfg.Enabled {
		return messages.Warming{}, &messages.Failure{
			Code: messages.CodeUnsupported, What: "the cache is off", Do: "set cache.enabled on the server", NoRetry: true,
		}
	}
	g := &warming{spec: spec, ended: make(chan struct{}, 1), stop: make(chan struct{})}
	g.seen = messages.Warming{ID: spec.ID, Status: messages.WarmingRunning, Total: len(spec.Turns), Budget: spec.Budget, Created: time.Now()}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.room(spec.Tenant); err != nil {
		return messages.Warming{}, err
	}
	w.all[spec.ID] = g
	w.order = append(w.order, g)
	begun := g.seen
	w.starts <- g // has room for all that may run
	return begun, nil
}

// room tells whether one more may run, and forgets the oldest of those that ended.
func (w *Warmer) room(tenant messages.TenantID) error {
	all, own := 0, 0
	for _, g := range w.order {
		if g.look().Status == messages.WarmingRunning {
			if all++; g.spec.Tenant == tenant {
				own++
			}
		}
	}
	if all >= warmingsATime || own >= tenantWarmings {
		return &messages.Failure{
			Code: messages.CodeTooManyTurns, What: fmt.Sprintf("%d warmings run, %d of them yours", all, own),
			Do: "wait for one to end, or cancel it", RetryAfter: 10 * time.Second,
		}
	}
	if len(w.order) >= warmingsKept {
		oldest := slices.IndexFunc(w.order, func(g *warming) bool { return g.look().Status != messages.WarmingRunning })
		delete(w.all, w.order[oldest].spec.ID)
		w.order = slices.Delete(w.order, oldest, oldest+1)
	}
	return nil
}

// Warming is how far a tenant's warming is. It fails with CodeWarmingAbsent.
func (w *Warmer) Warming(tenant messages.TenantID, id messages.WarmingID) (messages.Warming, error) {
	g, err := w.find(tenant, id)
	if err != nil {
		return messages.Warming{}, err
	}
	return g.look(), nil
}

// Cancel ends a warming: what runs is given up, the rest is not asked.
func (w *Warmer) Cancel(tenant messages.TenantID, id messages.WarmingID) (messages.Warming, error) {
	g, err := w.find(tenant, id)
	if err != nil {
		return messages.Warming{}, err
	}
	g.cancel()
	return g.look(), nil
}

func (w *Warmer) find(tenant messages.TenantID, id messages.WarmingID) (*warming, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.all[id]
	if g == nil || g.spec.Tenant != tenant {
		return nil, &messages.Failure{
			Code: messages.CodeWarmingAbsent, What: "there is no such warming", Do: "give the id that POST /v1/cache/warm answered with; a start of the server forgets them", NoRetry: true,
		}
	}
	return g, nil
}

// warming is one at work.
type warming struct {
	spec  messages.WarmingSpec
	ended chan struct{} // has room for one: a request has ended
	stop  chan struct{} // closed when it is cancelled

	mu      sync.Mutex
	seen    messages.Warming
	running int
	largest messages.NanoDollars // that a request has cost
}

func (g *warming) look() messages.Warming {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen
}

func (g *warming) cancel() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen.Status == messages.WarmingRunning {
		g.end(messages.WarmingCancelled)
		close(g.stop)
	}
}

// end sets the state that stays. g.mu is held.
func (g *warming) end(status messages.WarmingStatus) {
	g.seen.Status, g.seen.Ended = status, time.Now()
}

// run asks one request after the other, at the pace and within the budget, a few at
// the same time.
func (g *warming) run(ctx context.Context, w *Warmer) {
	if g.look().Status != messages.WarmingRunning { // cancelled before it began
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopped := make(chan struct{})
	go func() { // ends with ctx
		defer close(stopped)
		select {
		case <-g.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	pace := time.NewTicker(time.Minute / time.Duration(g.spec.PerMinute))
	defer pace.Stop()
	var asking sync.WaitGroup
	for i := range g.spec.Turns {
		if i > 0 {
			select {
			case <-pace.C:
			case <-ctx.Done():
			}
		}
		if !g.admit(ctx) {
			break
		}
		asking.Go(func() { g.one(ctx, w, &g.spec.Turns[i]) })
	}
	asking.Wait()
	g.finish(ctx)
	cancel()
	<-stopped
}

func (g *warming) finish(ctx context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spec.Turns = nil // may be large
	switch done := g.seen.Kept + g.seen.Known + g.seen.Unfit + g.seen.Failed; {
	case g.seen.Status != messages.WarmingRunning:
	case done == g.seen.Total:
		g.end(messages.WarmingComplete)
	case ctx.Err() != nil:
		g.end(messages.WarmingCancelled)
	default:
		g.end(messages.WarmingSpent)
	}
}

// admit waits until the next request may run: there is a place, and the budget would
// bear it if it, and those that run, cost as much as the costliest so far. It is
// false when none may any more.
func (g *warming) admit(ctx context.Context) bool {
	for ctx.Err() == nil {
		g.mu.Lock()
		may := g.running < warmedAtOnce && g.seen.Spent+g.largest*messages.NanoDollars(g.running+1) <= g.spec.Budget && g.seen.Spent < g.spec.Budget
		if g.running > 0 && g.largest == 0 && g.seen.Kept == 0 {
			may = false // what one costs is not known yet
		}
		if may {
			g.running++
		}
		waits := g.running > 0
		g.mu.Unlock()
		if may || !waits {
			return may
		}
		select {
		case <-g.ended:
		case <-ctx.Done():
		}
	}
	return false
}

// one asks one request. What the cache would not keep is not asked.
func (g *warming) one(ctx context.Context, w *Warmer, spec *messages.TurnSpec) {
	var t told
	reason := unfit(spec, spec.Input)
	if reason == "" {
		t = askUnseen(ctx, w.turns, *spec, g.spec.Patience)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	g.seen.Spent += t.cost
	g.largest = max(g.largest, t.cost)
	switch {
	case reason != "":
		g.seen.Unfit++
	case t.err != nil:
		g.seen.Failed++
		g.seen.Failure = messages.AsFailure(t.err).Code
	case t.outcome.Hit():
		g.seen.Known++
	default:
		g.seen.Kept++
	}
	select {
	case g.ended <- struct{}{}:
	default:
	}
}
