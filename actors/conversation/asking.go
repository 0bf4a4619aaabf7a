package conversation

import (
	"context"
	"errors"
	"time"

	"example.com/parley/messages"
)

// asking is how far a turn has come with its models: whom it may still ask, and what
// came of the last one. A reply is heard for minutes, and loops over retries, routes and
// targets would be half of what the turn's goroutine has on its stack meanwhile. So there
// is one loop, in answer, and its state is here.
type asking struct {
	begun   bool              // there is something to ask
	call    *messages.Call    // as the turn began it
	next    *messages.Call    // what the next target is asked: call, and what was said where that is to be continued
	targets []messages.Target // best first
	tried   int               // of targets
	routes  int               // that were looked for
	retries int               // that were made
	last    opened
}

// forget lets go of what nobody will be asked any more.
func (a *asking) forget() { a.call, a.next, a.targets, a.tried = nil, nil, nil, 0 }

// asksOn decides whether anybody is to be asked, and prepares that. The step to
// another provider is immediate, and nobody's budget bounds it: each provider is
// called once. Only when all have failed, one is called again after a pause.
func (t *turn) asksOn(ctx context.Context) bool {
	a := &t.asking
	switch {
	case a.routes == 0:
		return true
	case a.last.err == nil || ctx.Err() != nil:
		return false
	case t.shown:
		return t.handsOver()
	case a.tried < len(a.targets) && mayFallBack(a.last.err):
		t.deps.Metrics.Fallbacks.Inc()
		return true
	case a.mayReroute():
		a.targets, a.tried = nil, 0
		return true
	default:
		return t.asksAgain(ctx)
	}
}

// handsOver has the next target continue what was shown, where it may.
func (t *turn) handsOver() bool {
	a := &t.asking
	if a.tried == len(a.targets) || !t.mayContinue(a.last.err) {
		return false
	}
	t.deps.Metrics.Continuations.Inc()
	t.deps.Metrics.Fallbacks.Inc()
	a.next = t.handOver(a.call)
	return true
}

// maxRoutes is how many routes a call gets whose providers are taken away
// meanwhile. Each needs a reload within the time between a route and its call.
const maxRoutes = 3

// mayReroute tells whether a reload took the last of the call's providers away
// between its route and the call. Those that took its place have a route of their own.
func (a *asking) mayReroute() bool {
	return a.retries == 0 && a.routes < maxRoutes && errors.Is(a.last.err, messages.ErrProviderGone)
}

// route finds out whom to ask.
func (t *turn) route() error {
	a := &t.asking
	a.routes++
	targets, err := t.deps.Models.Route(t.routing(a.call))
	if err != nil {
		return err
	}
	t.deps.retries.earn(retries)
	a.targets = targets
	if t.rest.resumes {
		a.next = t.handOver(a.call)
	}
	return nil
}

// asksAgain has the best target called again after a pause, where that may help.
func (t *turn) asksAgain(ctx context.Context) bool {
	a := &t.asking
	if a.retries >= t.deps.Config.Retries || !mayRetry(a.last.err) {
		return false
	}
	if !t.deps.retries.spend(retries, time.Now()) || !t.pause(ctx, a.retries) {
		return false
	}
	targets, err := t.deps.Models.Route(t.routing(a.call))
	if err != nil { // nobody is left who takes calls
		return false
	}
	t.deps.Metrics.Retries.Inc()
	a.retries++
	a.targets, a.tried = targets[:1], 0
	return true
}

// routing is what the router is told of the call.
func (t *turn) routing(call *messages.Call) messages.Routing {
	return messages.Routing{Model: t.spec.Model, Override: t.spec.Override, Allowed: t.spec.Allowed, Call: call}
}
