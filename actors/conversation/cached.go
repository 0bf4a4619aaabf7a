package conversation

import (
	"context"

	"example.com/parley/messages"
)

// Cache answers turns that were answered before. The cache's readers implement it,
// joined in actors.System. Its methods are called by a turn's goroutine.
type Cache interface {
	// Ask looks for a reply. items are all that the model would read.
	Ask(ctx context.Context, spec *messages.TurnSpec, items []messages.Item) Asked
}

// Asked is what came of asking the cache.
type Asked struct {
	Outcome messages.CacheOutcome
	Answer  CachedAnswer // nil where a model has to be asked
	Flight  Flight       // takes in the model's reply; nil where it is nobody else's
}

// CachedAnswer is a reply from the cache, or of another turn's call.
type CachedAnswer interface {
	Answer
	Saved() messages.NanoDollars // what it would have cost, once it has ended
}

// Flight is a call that other turns wait for as well.
type Flight interface {
	Add(c messages.Chunk)
	Ended(err error, finish messages.FinishReason, usage messages.Usage, cost messages.NanoDollars)
	Leave(abandon func()) // this turn's client has gone; abandon is called once nobody listens
}

// providerOfHits names in the ledger who answered without a model.
const providerOfHits = "cache"

// fromCache answers from the cache where it can, and says whether that was the end
// of it. A call that was waited for and given up before it said a word is made anew.
func (t *turn) fromCache(ctx context.Context, call *messages.Call) (done bool, err error) {
	if t.deps.Cache == nil {
		return false, nil
	}
	asked := t.deps.Cache.Ask(ctx, t.spec, call.Items)
	t.cached = &asked.Outcome
	if asked.Answer == nil {
		if asked.Flight != nil {
			t.flight.Store(&asked.Flight)
		}
		return false, nil
	}
	t.current = len(t.rows)
	t.rows = append(t.rows, t.row(messages.Target{Provider: providerOfHits}))
	t.heard = asked.Answer
	_, err = t.hear(ctx) // which is never parked
	if err == nil || t.shown || ctx.Err() != nil {
		t.settleHit(asked.Answer.Saved())
		return true, err
	}
	t.rows, t.cached = t.rows[:t.current], &messages.CacheOutcome{Tier: messages.CacheMiss}
	t.clear()
	return mayFallBack(err), err // what all providers failed at is not tried once more by everybody who waited
}

// settleHit fills in what a reply from the cache saved. It costs nothing.
func (t *turn) settleHit(saved messages.NanoDollars) {
	row := &t.rows[t.current]
	row.Status, row.Priced, row.Saved = messages.AttemptSettled, true, saved
	row.Served.Model = t.served.Model
	if t.usage != nil {
		row.Usage = *t.usage
	}
}

// isHit tells whether the reply came from the cache.
func (t *turn) isHit() bool { return t.cached != nil && t.cached.Hit() }

// land tells those who wait for this turn's call what it came to.
func (t *turn) land(err error) {
	flight := t.flight.Load()
	if flight == nil {
		return
	}
	var usage messages.Usage
	var cost messages.NanoDollars
	if t.current < len(t.rows) {
		usage, cost = t.rows[t.current].Usage, t.rows[t.current].Cost
	}
	(*flight).Ended(err, t.finish, usage, cost)
}
