package conversation

import (
	"context"
	"errors"
	"time"

	"example.com/parley/messages"
)

// answer makes attempts until one of them brings a reply. It is the one place
// that tries again.
func (t *turn) answer(ctx context.Context) error {
	call, err := t.prepare(ctx)
	if call == nil || err != nil {
		return err
	}
	return t.askModels(ctx, call)
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

// askModels makes attempts, and after a pause some more.
func (t *turn) askModels(ctx context.Context, call *messages.Call) error {
	err := t.tryRoutes(ctx, call)
	for n := 0; n < t.deps.Config.Retries && err != nil && !t.shown && ctx.Err() == nil && mayRetry(err); n++ {
		if !t.deps.retries.spend(retries, time.Now()) || !t.pause(ctx, n) {
			break
		}
		targets, routeErr := t.deps.Models.Route(t.routing(call))
		if routeErr != nil { // nobody is left who takes calls
			break
		}
		t.deps.Metrics.Retries.Inc()
		err = t.tryAll(ctx, targets[:1], call)
	}
	return err
}

// maxRoutes is how many routes a call gets whose providers are taken away
// meanwhile. Each needs a reload within the time between a route and its call.
const maxRoutes = 3

// tryRoutes routes the call, and makes attempts. Where a reload took the last of its
// providers away in between, those that took its place have a route of their own.
func (t *turn) tryRoutes(ctx context.Context, call *messages.Call) error {
	for n := 1; ; n++ {
		targets, err := t.deps.Models.Route(t.routing(call))
		if err == nil {
			t.deps.retries.earn(retries)
			err = t.tryAll(ctx, targets, call)
		}
		if !errors.Is(err, messages.ErrProviderGone) || n == maxRoutes || t.shown || ctx.Err() != nil {
			return err
		}
	}
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

// routing is what the router is told of the call.
func (t *turn) routing(call *messages.Call) messages.Routing {
	return messages.Routing{Model: t.spec.Model, Override: t.spec.Override, Allowed: t.spec.Allowed, Call: call}
}

// tryAll makes attempts in order until one of them brings a reply. The step to
// another provider is immediate, and nobody's budget bounds it: each provider is
// called once.
func (t *turn) tryAll(ctx context.Context, targets []messages.Target, original *messages.Call) (err error) {
	call := original
	if t.rest.resumes {
		call = t.handOver(original)
	}
	for next := 0; next < len(targets); {
		if next > 0 {
			t.deps.Metrics.Fallbacks.Inc()
		}
		called := 1
		if next == 0 && len(targets) > 1 && t.deps.Config.HedgeAfter > 0 {
			called, err = t.race(ctx, targets[0], targets[1], call)
		} else {
			err = t.attempt(ctx, targets[next], call)
		}
		next += called
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case t.shown && next < len(targets) && t.mayContinue(err):
			t.deps.Metrics.Continuations.Inc()
			call = t.handOver(original)
		case t.shown || !mayFallBack(err):
			return err
		}
	}
	return err
}

// attempt calls one target and passes on what it says.
func (t *turn) attempt(ctx context.Context, target messages.Target, call *messages.Call) error {
	row, err := t.reserve(ctx, target, call)
	if err != nil {
		return err
	}
	return t.conclude(ctx, t.open(ctx, row, target, call))
}

// opened is what came of calling a target.
type opened struct {
	row    int // in turn.rows
	target messages.Target
	answer Answer // where err is nil
	err    error
}

func (t *turn) open(ctx context.Context, row int, target messages.Target, call *messages.Call) opened {
	answer, err := t.deps.Models.Open(ctx, target, call)
	return opened{row, target, answer, err}
}

// conclude passes on what the target says, and settles what it costs.
func (t *turn) conclude(ctx context.Context, a opened) error {
	t.current = a.row
	if a.err == nil {
		a.err = t.hear(ctx, a.answer)
	}
	t.price(&t.rows[a.row], a.target, a.err)
	t.deps.Ledger.Ended(&t.rows[a.row])
	return a.err
}

func (t *turn) hear(ctx context.Context, answer Answer) error {
	defer answer.Close() //nolint:errcheck // everything was read or is not wanted any more
	return t.relay(ctx, answer)
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
