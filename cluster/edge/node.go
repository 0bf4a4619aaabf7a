package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// Cache is what the node answers from. actors/cache implements it.
type Cache interface {
	Knows(name messages.CacheName) bool
	Learn(name messages.CacheName, record []byte)
	Forget(drop messages.CacheDrop)
	// Empty forgets a tenant's replies, Clear those of all tenants.
	Empty(ctx context.Context, tenant messages.TenantID) error
	Clear(ctx context.Context) error
}

// Deps is what a node stands on.
type Deps struct {
	Version    string // of this binary
	Client     *tls.Config
	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// Node is this edge node: what it knows of the core, and the way there. It is safe for
// concurrent use.
type Node struct {
	cfg     Config
	deps    Deps
	peers   []*peer
	keys    keys
	metrics *metrics

	place place

	fresh  atomic.Int64 // from when what is known is, in nanoseconds by this process's clock
	marks  atomic.Pointer[map[string]uint64]
	limits atomic.Uint64 // version
	behind atomic.Int64  // events that are not taken yet
	start  time.Time     // of that clock

	mu       sync.Mutex // taking news, and replies that were asked for, in order
	cursor   cursor
	marksSum uint64
	lastDrop uint64 // number of the event behind the last that took something out
	wanted   chan messages.CacheName
}

const (
	// pollWait is how long a poll stays unanswered where nothing is new: the core
	// shows the node as heard, and the node the core, within it.
	pollWait = time.Second
	// losePause is between two rounds through servers none of which answers.
	losePause = 250 * time.Millisecond
	// mostWanted bounds the replies that wait to be fetched.
	mostWanted = 256
)

// New returns a node that has heard nothing yet. Run follows the core.
func New(cfg Config, deps Deps) *Node {
	if cfg.Name == "" {
		cfg.Name, _ = os.Hostname() // one without a name is shown as such
	}
	n := &Node{cfg: cfg, deps: deps, keys: newKeys(), place: place{found: make(chan struct{})}, start: time.Now(), wanted: make(chan messages.CacheName, mostWanted)}
	for _, address := range cfg.Cores {
		n.peers = append(n.peers, newPeer(address, deps.Client))
	}
	rand.Shuffle(len(n.peers), func(i, j int) { n.peers[i], n.peers[j] = n.peers[j], n.peers[i] }) // #nosec G404 -- edge nodes spread over the core
	n.metrics = newMetrics(deps.Registerer, n)
	return n
}

// Name is what the core calls this node.
func (n *Node) Name() string { return n.cfg.Name }

// Run follows one of the core's servers after the other, until ctx ends.
func (n *Node) Run(ctx context.Context, cache Cache) error {
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { n.tellOthers(ctx) })
	parts.Go(func() { n.fetchWanted(ctx, cache) })
	for round := 0; ctx.Err() == nil; round++ {
		one := n.peers[round%len(n.peers)]
		err := n.follow(ctx, one, cache)
		if ctx.Err() != nil {
			break
		}
		n.deps.Log.Warn("a server of the core is not followed any more", slog.String("core", one.address), slog.Any("error", err))
		if (round+1)%len(n.peers) == 0 {
			pause(ctx, losePause)
		}
	}
	for _, one := range n.peers {
		one.rest()
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// errLeaving is why a server is not followed that stops.
var errLeaving = errors.New("it takes no more requests")

// follow takes a server's news until it is lost, or leaves.
func (n *Node) follow(ctx context.Context, one *peer, cache Cache) error {
	f := &followed{peer: one}
	f.ctx, f.lose = context.WithCancel(ctx)
	if err := n.poll(ctx, f, 0, cache); err != nil {
		n.place.leave(f)
		return err
	}
	n.deps.Log.Info("a server of the core is followed", slog.String("core", one.address))
	var err error
	for err == nil {
		n.place.hold(f)                         // also where a request found it leaving, and it does not
		err = n.poll(f.ctx, f, pollWait, cache) //nolint:contextcheck // made from ctx
	}
	if !errors.Is(err, errLeaving) {
		n.place.leave(f)
		return err
	}
	n.place.retire(f)
	if earlier := one.retired.Swap(f); earlier != nil {
		earlier.lose()
	}
	return err
}

// poll asks for news and takes them.
func (n *Node) poll(ctx context.Context, f *followed, wait time.Duration, cache Cache) error {
	asking, release := context.WithTimeout(ctx, wait+askPatience)
	defer release()
	began := n.clock()
	p := poll{Name: n.cfg.Name, Version: n.deps.Version, Follow: true, Cursor: n.cursor, Marks: n.marksSum, Wait: wait}
	if n.behind.Load() > 0 {
		p.Wait = 0
	}
	var news news
	if err := f.ask(asking, pathNews, &p, &news); err != nil {
		return err
	}
	if err := n.take(ctx, f, &news, began, cache); err != nil {
		return err
	}
	if news.Leaving {
		return errLeaving
	}
	return nil
}

// take goes by what a server says. Only once all of it is known the node is up to date
// as of when it asked.
func (n *Node) take(ctx context.Context, f *followed, news *news, began time.Duration, cache Cache) error {
	if err := n.apply(ctx, news, cache); err != nil {
		return err
	}
	n.behind.Store(int64(news.Behind))
	n.metrics.events.Add(float64(len(news.Events)))
	if !news.Fresh {
		return nil
	}
	if err := n.keys.update(ctx, f.peer, news.Keys); err != nil {
		return err
	}
	n.limits.Store(news.Limits)
	if news.Behind == 0 {
		n.place.expect()
		if !news.Leaving {
			n.place.hold(f) // before the node says that it is ready
		}
		n.fresh.Store(int64(began))
	}
	return nil
}

// apply takes the events in, in their order.
func (n *Node) apply(ctx context.Context, news *news, cache Cache) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if news.Marks != nil || news.MarksSum == 0 {
		n.marks.Store(&news.Marks)
		n.marksSum = news.MarksSum
	}
	if news.Reset {
		n.deps.Log.Info("what was cached is forgotten: the core cannot tell what became of it since")
		if err := cache.Clear(ctx); err != nil {
			return err
		}
		n.lastDrop = news.Cursor.Next
	}
	for i := range news.Denied {
		cache.Forget(news.Denied[i])
	}
	for i := range news.Events {
		if err := n.applyOne(ctx, &news.Events[i], cache); err != nil {
			return err
		}
		if news.Events[i].Record == nil {
			n.lastDrop = news.Cursor.Next // or a little before
		}
	}
	n.cursor = news.Cursor
	return nil
}

func (n *Node) applyOne(ctx context.Context, e *event, cache Cache) error {
	switch {
	case e.Record != nil:
		cache.Learn(e.Name, e.Record)
	case e.Drop != nil:
		cache.Forget(*e.Drop)
	case e.Emptied != "":
		return cache.Empty(ctx, e.Emptied)
	}
	return nil
}

// clock is how long the process runs, whatever clocks do.
func (n *Node) clock() time.Duration { return time.Since(n.start) + 1 } // never 0, which is before there was contact

// age is since when what is known may be out of date.
func (n *Node) age() (age time.Duration, known bool) {
	fresh := n.fresh.Load()
	return n.clock() - time.Duration(fresh), fresh > 0
}

// Standing returns nil while what this node knows is recent enough to answer by it,
// and else a failure with CodeEdgeCutOff.
func (n *Node) Standing() error {
	if age, known := n.age(); known && age <= n.cfg.Tolerates {
		return nil
	}
	return messages.CutOff(nil)
}

// Mark implements the cache's Routes, as the core has them.
func (n *Node) Mark(model string) uint64 {
	if marks := n.marks.Load(); marks != nil {
		return (*marks)[model]
	}
	return 0
}

// tellOthers says to the servers that are not followed that the node is there, so that
// each can show it.
func (n *Node) tellOthers(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, pollWait)
		var telling sync.WaitGroup
		for _, one := range n.peers {
			if f := n.place.now(); f != nil && f.peer == one {
				continue
			}
			telling.Go(func() {
				asking, release := context.WithTimeout(ctx, askPatience)
				defer release()
				p := poll{Name: n.cfg.Name, Version: n.deps.Version, Behind: int(n.behind.Load())}
				if err := one.ask(asking, pathNews, &p, &news{}); err == nil {
					return
				}
				if left := one.retired.Swap(nil); left != nil { // it has ended, with all that went on there
					left.lose()
					left.rest()
				}
			})
		}
		telling.Wait()
	}
}

// Want has a reply fetched that the core answered with. It never waits.
func (n *Node) Want(name messages.CacheName) {
	select {
	case n.wanted <- name:
	default: // it is asked for again
	}
}

// fetchWanted fetches the replies that the core answers with and this node does not
// have, until ctx ends.
func (n *Node) fetchWanted(ctx context.Context, cache Cache) {
	for {
		select {
		case name := <-n.wanted:
			if f := n.place.now(); f != nil && !cache.Knows(name) {
				n.fetch(f.ctx, f.peer, name, cache) //nolint:contextcheck // made from ctx
			}
		case <-ctx.Done():
			return
		}
	}
}

// fetch takes a reply in, unless something was taken out since the core read it: that
// may have been this one.
func (n *Node) fetch(ctx context.Context, one *peer, name messages.CacheName, cache Cache) {
	asking, release := context.WithTimeout(ctx, askPatience)
	defer release()
	var found entryFound
	if err := one.ask(asking, pathEntry, &askEntry{Name: name}, &found); err != nil || found.Record == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if found.Feed == n.cursor.Feed && n.lastDrop <= found.Next {
		cache.Learn(name, found.Record)
	}
}
