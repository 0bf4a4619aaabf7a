package budget

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// keeper is the actor. It alone talks to the store, once at a time for each purse.
type keeper struct {
	budgets *Budgets
	talks   map[purseRef]*talk
	short   map[messages.BudgetID]bool  // other nodes wait for what this one does not use
	waiting map[messages.BudgetID]int64 // the first entry that nobody had added up at the last look
	tell    func(any)                   // to itself, from outside
	running context.Context             // of the goroutines that it starts
	cancel  context.CancelFunc          // ends them
	talking int
}

// purseRef names a purse.
type purseRef struct {
	pocket *pocket
	period messages.PeriodKey
}

// talk is who waits for a purse, and whether the store is being asked.
type talk struct {
	waiting []*want
	asked   bool
	again   bool // something came up meanwhile
}

// want asks for an amount that a purse has not.
type want struct {
	ref    purseRef
	amount messages.NanoDollars
	until  time.Time  // nobody waits any more
	reply  chan error // capacity 1
	state  atomic.Uint32
}

// The states of a want: whoever moves it on decides.
const (
	wantWaits uint32 = iota
	wantAnswered
	wantGivenUp
)

// answer ends a want with an error, if anybody still waits.
func (w *want) answer(err error) {
	if w.state.CompareAndSwap(wantWaits, wantAnswered) {
		w.reply <- err
	}
}

// leased tells the actor what the store said.
type leased struct {
	ref   purseRef
	asked messages.LeaseRequest
	lease messages.Lease
	err   error
}

// looked tells the actor what there is new.
type looked struct {
	news messages.BudgetNews
	all  []messages.Budget // where the version is another
	err  error
}

// onceMore has the actor talk to the store again after a pause.
type onceMore struct{ ref purseRef }

// Receive implements actor.Actor.
func (k *keeper) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		k.begin(ctx)
	case *want:
		k.wait(m)
	case *leased:
		k.hear(m)
	case *onceMore:
		k.resume(m.ref)
	case *looked:
		k.look(m)
	case *actor.Stopping, *actor.Restarting:
		k.end()
	}
}

func (k *keeper) begin(ctx actor.Context) {
	k.running, k.cancel = context.WithCancel(context.Background())
	root, self := ctx.ActorSystem().Root, ctx.Self()
	k.tell = func(m any) { root.Send(self, m) }
	k.budgets.tell.Store(&k.tell)
	go k.budgets.watch(k.running, k.budgets.version, k.tell)
}

// end stops the goroutines, and tells those who wait to come again.
func (k *keeper) end() {
	k.cancel()
	for _, t := range k.talks {
		for _, w := range t.waiting {
			w.answer(errAway)
		}
	}
	clear(k.talks)
}

// maxWaiting bounds how many requests wait for one purse. They hold up nobody
// else, and all of them are served by one answer of the store.
const maxWaiting = 16384

// wait has a request wait for the store. What others brought back in between may
// suffice.
func (k *keeper) wait(w *want) {
	if verdict := w.ref.pocket.take(w.ref.period, w.amount, time.Now()); verdict != unknown {
		k.decide(w, verdict)
		return
	}
	t := k.talk(w.ref)
	if len(t.waiting) >= maxWaiting {
		w.answer(errAway)
		return
	}
	t.waiting = append(t.waiting, w)
	k.ask(w.ref)
}

// decide answers a request for which something was taken, or refused. Where nobody
// waits any more it is given back.
func (k *keeper) decide(w *want, v verdict) {
	if v == refused {
		w.answer(errEnough)
		return
	}
	if !w.state.CompareAndSwap(wantWaits, wantAnswered) {
		w.ref.pocket.giveBack(w.ref.period, w.amount)
		return
	}
	w.reply <- nil
}

func (k *keeper) talk(ref purseRef) *talk {
	t := k.talks[ref]
	if t == nil {
		t = &talk{}
		k.talks[ref] = t
	}
	return t
}

// ask has a goroutine ask the store for a purse, unless one does.
func (k *keeper) ask(ref purseRef) {
	t := k.talk(ref)
	if t.asked {
		t.again = true
		return
	}
	t.asked, t.again = true, false
	k.talking++
	go k.budgets.lease(k.running, ref, k.request(ref, t), k.tell)
}

// request says what a purse needs.
func (k *keeper) request(ref purseRef, t *talk) messages.LeaseRequest {
	now := time.Now()
	var needs messages.NanoDollars
	short := false
	for _, w := range t.waiting {
		needs = plus(needs, w.amount)
	}
	ref.pocket.mu.Lock()
	defer ref.pocket.mu.Unlock()
	p := ref.pocket.open(ref.period)
	keep := !k.short[ref.pocket.id] && (needs > 0 || now.Sub(p.used) < k.budgets.cfg.Idle)
	if !keep && needs == 0 && p.free > 0 {
		p.free = 0 // given back: nobody may take it while the store is told
	}
	q := messages.LeaseRequest{
		Budget: ref.pocket.id, Tenant: ref.pocket.tenant, Period: ref.period, Node: k.budgets.deps.Node,
		Held: p.held, Free: p.free, Now: now, TTL: k.budgets.cfg.Lease,
	}
	if needs > p.free {
		q.Least = plus(needs, -p.free)
		q.Most = q.Least
		short = p.others > 0 && needs > p.left()
	}
	if keep {
		q.Most = plus(needs, p.slice()) - min(p.free, plus(needs, p.slice()))
		q.Most = max(q.Most, q.Least)
	}
	q.Short = short
	p.taken, p.counted, p.late = 0, false, 0
	return q
}

// slice is what a purse is to have for requests that will come: twice of what was
// taken since the store was asked last, and not less than a part of the limit.
func (p *purse) slice() messages.NanoDollars {
	const part = 64
	return max(p.limit/part, min(p.taken, p.limit)*2)
}

// plus adds without leaving 64 bits.
func plus(a, b messages.NanoDollars) messages.NanoDollars {
	const most = 1<<63 - 1
	if b > 0 && a > most-b {
		return most
	}
	return a + b
}

// hear takes in what the store said, and serves those who wait.
func (k *keeper) hear(m *leased) {
	k.talking--
	t := k.talk(m.ref)
	t.asked = false
	if m.err != nil {
		m.ref.pocket.remind(m.ref.period)
		k.deny(m.ref, t, errAway)
		return
	}
	reached(k.budgets, m)
	m.ref.pocket.hear(m)
	if m.lease.Gone {
		for _, w := range t.waiting { // an operator has deleted it: it refuses nothing
			w.answer(nil)
		}
		delete(k.talks, m.ref)
		return
	}
	k.serve(m.ref, t)
}

// remind has the store told again of what it did not hear.
func (k *pocket) remind(period messages.PeriodKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open(period).counted = true
}

// hear brings what the store said to the numbers of a purse.
func (k *pocket) hear(m *leased) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.open(m.ref.period)
	l := &m.lease
	p.limit, p.spent, p.said, p.others, p.heard = l.Limit, l.Spent, l.Spent, l.Others, m.asked.Now
	if !k.budget.Hard {
		return
	}
	p.free += l.Granted
	p.leased = max(0, m.asked.Held+m.asked.Free+l.Granted)
	p.until = m.asked.Now.Add(m.asked.TTL)
	p.refused = 0
}

// serve gives those who wait what there is, in the order in which they came. Who
// needs more is refused, or waits for what other nodes hold.
func (k *keeper) serve(ref purseRef, t *talk) {
	now := time.Now()
	left := t.waiting[:0]
	for _, w := range t.waiting {
		switch v := ref.pocket.tryAgain(w, now, k.budgets.cfg.Refresh); {
		case v != unknown:
			k.decide(w, v)
		case now.Before(w.until) && w.state.Load() == wantWaits:
			left = append(left, w)
		default:
			w.answer(errEnough)
		}
	}
	clear(t.waiting[len(left):])
	t.waiting = left
	switch {
	case len(left) > 0 && !t.again:
		k.later(ref)
	case len(left) > 0 || t.again:
		k.ask(ref)
	default:
		delete(k.talks, ref)
	}
}

// tryAgain takes what a request needs, now that the store was heard. It is unknown
// only where other nodes hold what is missing, or where it may be missing for no other
// reason than that rows which are on their way were counted twice.
func (k *pocket) tryAgain(w *want, now time.Time, known time.Duration) verdict {
	if v := k.take(w.ref.period, w.amount, now); v != unknown {
		return v
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.open(w.ref.period)
	if w.amount <= p.free+max(0, p.left())+p.others+p.unsure() {
		return unknown
	}
	if p.refused == 0 || w.amount < p.refused {
		p.refused = w.amount
	}
	p.refusedUntil = now.Add(known)
	return refused
}

// pause is how long a request waits before the store is asked once more for what
// other nodes give back.
const pause = 100 * time.Millisecond

func (k *keeper) later(ref purseRef) {
	k.talk(ref).asked = true // nobody else asks meanwhile
	tell, running := k.tell, k.running
	time.AfterFunc(pause, func() {
		if running.Err() == nil {
			tell(&onceMore{ref})
		}
	})
}

func (k *keeper) resume(ref purseRef) {
	t := k.talk(ref)
	t.asked = false
	k.ask(ref)
}

// deny answers all who wait for a purse.
func (k *keeper) deny(ref purseRef, t *talk, err error) {
	for _, w := range t.waiting {
		w.answer(err)
	}
	delete(k.talks, ref)
}

// maxTalks bounds how many purses the store is asked for at a time without anybody
// waiting.
const maxTalks = 8

// look takes in what there is new, and has the store told what it should know.
func (k *keeper) look(m *looked) {
	if m.err == nil {
		k.learn(m)
	}
	now := time.Now()
	day := messages.DayOf(now)
	for _, p := range k.budgets.pockets {
		for _, period := range p.due(now, k.short[p.id], &k.budgets.cfg, p.period.Key(day)) {
			if k.talking >= maxTalks {
				return
			}
			k.ask(purseRef{p, period})
		}
	}
	k.budgets.measure()
}

// learn takes over what there is new. Spending that nobody added up since the last
// look is looked after: rows of a server that has died may have brought it, or those
// of requests that began before the budget was known.
func (k *keeper) learn(m *looked) {
	if m.news.Version != k.budgets.version {
		k.budgets.learn(m.news.Version, m.all)
	}
	k.short = make(map[messages.BudgetID]bool, len(m.news.Short))
	for _, id := range m.news.Short {
		k.short[id] = true
	}
	now := time.Now()
	for id, first := range m.news.Waiting {
		if p := k.budgets.pockets[id]; p != nil && k.waiting[id] == first {
			p.remind(p.period.KeyAt(now))
		}
	}
	k.waiting = m.news.Waiting
}

// due are the periods of which the store should be told something.
func (k *pocket) due(now time.Time, short bool, cfg *Config, current messages.PeriodKey) (periods []messages.PeriodKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sweep(current)
	for _, p := range k.purses {
		idle := short || now.Sub(p.used) >= cfg.Idle
		switch {
		case p.counted: // the lease is too large, and a threshold may be reached
		case !k.budget.Hard:
			continue
		case idle && p.free > 0: // is given back
		case p.leased > 0 && p.held == 0 && p.free <= 0 && idle: // is over
		case !idle && p.free < p.slice()/2 && p.left() > 0: // is renewed ahead
		case (p.held > 0 || p.free > 0) && p.until.Sub(now) < cfg.Lease/2:
		default:
			continue
		}
		periods = append(periods, p.period)
	}
	return periods
}

// reached tells of thresholds.
func reached(b *Budgets, m *leased) {
	for _, threshold := range m.lease.Reached {
		b.metrics.reached.Inc()
		b.deps.Log.Warn("a budget reached a threshold", slog.String("budget", string(m.ref.pocket.id)),
			slog.String("tenant", string(m.ref.pocket.tenant)), slog.Int("percent", threshold))
	}
}
