package conversation

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// answer makes attempts until one of them brings a reply, or until that is parked; then
// it is called again, and goes on. It is the one place that tries again. Its goroutine
// spends its life in hear, and has little on its stack there: see asking.
func (t *turn) answer(ctx context.Context) (parked bool, err error) {
	if !t.asking.begun {
		call, err := t.prepare(ctx)
		if call == nil || err != nil {
			return false, err
		}
		t.asking.begun, t.asking.call, t.asking.next = true, call, call
	}
	last := &t.asking.last
	for t.heard != nil || t.asksOn(ctx) {
		if t.heard == nil && !t.openNext(ctx) {
			continue
		}
		parked, err := t.hear(ctx)
		if parked {
			return true, nil
		}
		last.err = err
		t.conclude(last)
	}
	return false, last.err
}

// prepare returns what a model is to be asked; nil where the reply was found without.
func (t *turn) prepare(ctx context.Context) (*messages.Call, error) {
	call := &messages.Call{
		Turn: t.spec.ID, Items: everything(t.spec, t.history), Options: t.spec.Options,
		Stream: t.spec.Stream, Passthrough: t.spec.Passthrough, Affinity: affinityOf(t.spec), Began: t.request.Began,
	}
	if t.handed != nil {
		if err := t.catchUp(ctx, call); err != nil {
			return nil, err
		}
	}
	if err := t.deps.Models.Permit(t.routing(call)); err != nil {
		return nil, err // before the cache is asked: what it has may be of a model that this key may not ask
	}
	if !t.shown {
		if done, err := t.fromCache(ctx, call); done {
			return nil, err
		}
	}
	return call, nil
}

// affinityOf is the affinity of a turn to those before it: that which the client
// names, or its conversation's. Tenants have none to each other.
func affinityOf(spec *messages.TurnSpec) messages.Affinity {
	for i := range spec.Options.Extra {
		if extra := &spec.Options.Extra[i]; extra.Name == "prompt_cache_key" {
			return messages.AffinityOf(string(spec.Tenant), "key", string(extra.Value))
		}
	}
	if spec.Conversation == "" {
		return 0
	}
	return messages.AffinityOf(string(spec.Tenant), "conversation", string(spec.Conversation))
}

// opened is what came of calling a target.
type opened struct {
	row    int // in turn.rows
	target messages.Target
	answer Answer             // where err is nil
	err    error              // of the call, or of what was heard of its answer
	cancel context.CancelFunc // ends a call that has a rival; nil for any other
}

// openNext calls whoever is next, and tells whether there is an answer to hear. What
// came of a call that has none is settled.
func (t *turn) openNext(ctx context.Context) bool {
	called, err := t.callNext(ctx)
	last := &t.asking.last
	if err != nil { // nobody was called
		*last = opened{err: err}
		return false
	}
	*last, t.current = called, called.row
	if called.err != nil {
		t.conclude(last)
		return false
	}
	t.heard = called.answer
	return true
}

// callNext calls the next target; of the first two, where the operator wants it, the
// one that answers first.
func (t *turn) callNext(ctx context.Context) (opened, error) {
	a := &t.asking
	if a.tried == len(a.targets) {
		if err := t.route(); err != nil {
			return opened{}, err
		}
	}
	next := a.targets[a.tried:]
	a.tried++
	if a.tried == 1 && len(next) > 1 && t.deps.Config.HedgeAfter > 0 {
		return t.race(ctx, next[0], next[1], a.next)
	}
	return t.attempt(ctx, next[0], a.next)
}

// attempt calls one target.
func (t *turn) attempt(ctx context.Context, target messages.Target, call *messages.Call) (opened, error) {
	row, err := t.reserve(ctx, target, call)
	if err != nil {
		return opened{}, err
	}
	return t.open(ctx, row, target, call), nil
}

func (t *turn) open(ctx context.Context, row int, target messages.Target, call *messages.Call) opened {
	answer, err := t.deps.Models.Open(ctx, target, call)
	return opened{row: row, target: target, answer: answer, err: err}
}

// conclude settles what a call came to, and what it costs.
func (t *turn) conclude(a *opened) {
	t.price(&t.rows[a.row], a.target, a.err)
	t.deps.Ledger.Ended(&t.rows[a.row])
	if a.cancel != nil {
		a.cancel()
	}
}

// reserve writes down what an attempt may cost before it is made, so that it is
// billed also when this process dies under it.
func (t *turn) reserve(ctx context.Context, target messages.Target, call *messages.Call) (row int, err error) {
	line := t.row(target)
	line.Usage = messages.Usage{Input: messages.EstimateTokens(call.Items), Estimated: true}
	reservation := messages.Reservation{
		Row: line, MostInput: messages.MostTokens(call), Choices: call.Options.N, Deadline: t.spec.Deadline,
	}
	if limit := call.Options.MaxTokens; limit != nil {
		reservation.MaxOutput = *limit
	}
	if err := t.deps.Ledger.Reserve(ctx, reservation); err != nil {
		return 0, err
	}
	t.rows = append(t.rows, line)
	return len(t.rows) - 1, nil
}

// row is an attempt's line in the ledger, as far as it is known beforehand.
func (t *turn) row(target messages.Target) messages.UsageRow {
	row := messages.UsageRow{
		Tenant: t.spec.Tenant, Key: t.spec.Key, Request: t.spec.ID, Attempt: t.attempts + len(t.rows) + 1,
		Endpoint: t.spec.Endpoint, Model: t.spec.Model,
		Served:  messages.Served{Provider: target.Provider, Model: target.Model},
		Created: time.Now(), CacheTier: messages.CacheBypass,
	}
	if t.cached != nil {
		row.CacheTier = t.cached.Tier
	}
	if t.spec.Keep {
		row.Conversation = t.spec.Conversation
	}
	return row
}

// clear forgets what an attempt brought, for the next one.
func (t *turn) clear() {
	t.served, t.usage, t.finish, t.output, t.opened, t.tail = messages.Served{}, nil, "", 0, false, t.tail[:0]
}

// price fills in what the attempt came to. One that brought nothing costs its
// tenant nothing, whatever the provider says that it used: the tenant pays for the
// reply of the next. A reply that was cut later is billed by what was received.
func (t *turn) price(row *messages.UsageRow, target messages.Target, err error) {
	if err != nil && !t.spoke() {
		row.Status, row.Usage = messages.AttemptFailed, messages.Usage{}
		t.clear()
		return
	}
	row.Status, row.Served = messages.AttemptSettled, t.served
	row.Served.Earlier = "" // have rows of their own
	if t.usage != nil {
		row.Usage = *t.usage
	} else {
		row.Usage.Output = messages.TokensOf(t.output)
	}
	charge := t.deps.Prices.Charge(target, row.Usage, row.Created)
	row.Cost, row.Priced, row.Price = charge.Cost, charge.Known, charge.Price
}
