package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"example.com/parley/actors/cache/index"
	"example.com/parley/messages"
)

// AheadConfig is the section "cache.ahead".
type AheadConfig struct {
	Refresh      bool  `koanf:"refresh"`       // renew popular replies before they expire
	Next         bool  `koanf:"next"`          // fetch the reply to the usual next question of a conversation
	HourlyBudget int64 `koanf:"hourly_budget"` // nano-dollars that each tenant spends on both in an hour
	BusyFrom     int   `koanf:"busy_from"`     // with so many calls under way no next question is asked
}

// DefaultAheadConfig has both off: they spend money that nobody asked to spend.
func DefaultAheadConfig() AheadConfig {
	return AheadConfig{HourlyBudget: 100_000_000, BusyFrom: 4}
}

// Validate reports every fault at once.
func (c AheadConfig) Validate() error {
	var faults []error
	if c.HourlyBudget < 0 {
		faults = append(faults, fmt.Errorf("cache.ahead.hourly_budget is %d: give nano-dollars, such as 100000000 for a tenth of a dollar", c.HourlyBudget))
	}
	if c.BusyFrom < 1 {
		faults = append(faults, fmt.Errorf("cache.ahead.busy_from is %d: give a number above 0, such as 4", c.BusyFrom))
	}
	return errors.Join(faults...)
}

const (
	mostWanted   = 256              // replies that wait to be fetched
	fewestHits   = 3                // that make a reply popular
	lastPart     = 5                // a popular reply is renewed in the last such part of its time
	wantedAgain  = 30 * time.Second // after which a reply may be fetched once more
	idlePatience = 30 * time.Second // how long a next question waits for the server to be idle
	idleLook     = 100 * time.Millisecond
	mostPending  = 4096
)

// foresight is why a reply is fetched ahead. It is a metric's label.
type foresight string

const (
	foresightRefresh foresight = "refresh"
	foresightNext    foresight = "next"
)

// wanted is a reply that is to be fetched ahead.
type wanted struct {
	why   foresight
	spec  messages.TurnSpec
	price int64     // what it will cost, as far as is known
	until time.Time // it is of use
}

// ahead is what the cache foresees. It is safe for concurrent use.
type ahead struct {
	cfg    AheadConfig
	habits habits
	queue  chan wanted

	mu      sync.Mutex
	pending map[index.Key]time.Time // what was wanted, and when it may be again
}

func newAhead(cfg AheadConfig) *ahead {
	return &ahead{cfg: cfg, queue: make(chan wanted, mostWanted), pending: make(map[index.Key]time.Time)}
}

// want queues a reply to be fetched, once. Where too many wait it is not fetched.
func (f *ahead) want(key index.Key, w wanted, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Before(f.pending[key]) {
		return
	}
	for other := range f.pending {
		if len(f.pending) < mostPending {
			break
		}
		delete(f.pending, other)
	}
	select {
	case f.queue <- w:
		f.pending[key] = now.Add(wantedAgain)
	default:
	}
}

// unseen is a turn that asks what another one asks, for the cache alone.
func unseen(spec *messages.TurnSpec, items []messages.Item) messages.TurnSpec {
	return messages.TurnSpec{
		Tenant: spec.Tenant, Key: spec.Key, Endpoint: spec.Endpoint, Model: spec.Model, Override: spec.Override, Allowed: spec.Allowed,
		Input: items, Options: spec.Options,
		Cache: messages.CacheControl{TTL: spec.Cache.TTL, PerUser: spec.Cache.PerUser, Namespace: spec.Cache.Namespace},
	}
}

// renew has a popular reply fetched anew in the last part of its time, by who asks for
// it then: the cache does not know what was asked, but by its hash.
func (a *asking) renew(e *index.Entry) {
	f := a.cache.ahead
	if !f.cfg.Refresh || e.Hits.Load() < fewestHits {
		return
	}
	if left := int64(e.Expires) - a.now.Unix(); left > int64(e.Expires-e.Created)/lastPart {
		return
	}
	w := wanted{why: foresightRefresh, spec: unseen(a.spec, slices.Clone(a.items)), price: e.Price, until: time.Unix(int64(e.Expires), 0)}
	w.spec.Cache.NoCache = true
	f.want(a.key, w, a.now)
}

// follow counts what was asked behind a transcript.
func (a *asking) follow() {
	last := len(a.items) - 1
	if !a.cache.ahead.cfg.Next || last-1 <= a.begins || a.items[last].Role != messages.RoleUser || a.items[last-1].Role != messages.RoleAssistant {
		return
	}
	transcript, _ := names(a.spec, a.cache.mark(a.spec.Model), a.items[:last], a.begins)
	a.cache.ahead.habits.learn(transcript, a.items[last].Text())
}

// foresee has the usual next question behind a reply asked ahead.
func (c *Cache) foresee(spec *messages.TurnSpec, items []messages.Item, r *reply, price int64) {
	if !c.ahead.cfg.Next || len(r.Pieces) != 1 || r.Pieces[0].Kind != messages.ChunkText {
		return
	}
	items = append(slices.Clone(items), messages.TextMessage(messages.RoleAssistant, r.Pieces[0].Text))
	instructions, mark := instructionsOf(items), c.mark(spec.Model)
	transcript, _ := names(spec, mark, items, instructions)
	question, ok := c.ahead.habits.usual(transcript)
	if !ok {
		return
	}
	items = append(items, messages.TextMessage(messages.RoleUser, question))
	key, _ := names(spec, mark, items, instructions)
	if c.shardOf(spec.Tenant).index.Exact(&key) != nil {
		return
	}
	now := time.Now()
	c.ahead.want(key, wanted{why: foresightNext, spec: unseen(spec, items), price: price, until: now.Add(idlePatience)}, now)
}

// Ahead fetches what the cache foresees. Run does so, one reply after the other.
type Ahead struct {
	cache *Cache
	turns Turns
	spent map[messages.TenantID]messages.NanoDollars // in this hour
	hour  time.Time
}

// NewAhead returns who fetches for a cache.
func NewAhead(c *Cache, turns Turns) *Ahead {
	return &Ahead{cache: c, turns: turns, spent: make(map[messages.TenantID]messages.NanoDollars)}
}

// aheadPatience is for one reply.
const aheadPatience = 2 * time.Minute

// Run fetches until ctx ends.
func (a *Ahead) Run(ctx context.Context) error {
	for {
		select {
		case w := <-a.cache.ahead.queue:
			a.fetch(ctx, &w)
		case <-ctx.Done():
			return nil
		}
	}
}

// fetch asks for a reply, if it is still of use, may cost what it will, and nobody has
// to wait for it.
func (a *Ahead) fetch(ctx context.Context, w *wanted) {
	result := "kept"
	switch {
	case w.why == foresightNext && !a.awaitIdle(ctx, w.until):
		result = "busy"
	case !time.Now().Before(w.until):
		result = "late"
	case !a.affords(w):
		result = "budget"
	default:
		t := askUnseen(ctx, a.turns, w.spec, aheadPatience)
		a.spent[w.spec.Tenant] += t.cost
		a.cache.metrics.aheadSpent.Add(float64(t.cost))
		if t.err != nil {
			result = "failed"
		}
	}
	a.cache.metrics.ahead.WithLabelValues(string(w.why), result).Inc()
}

func (a *Ahead) affords(w *wanted) bool {
	if hour := time.Now().Truncate(time.Hour); !hour.Equal(a.hour) {
		a.hour = hour
		clear(a.spent)
	}
	budget, spent := messages.NanoDollars(a.cache.cfg.Ahead.HourlyBudget), a.spent[w.spec.Tenant]
	return spent < budget && spent+messages.NanoDollars(w.price) <= budget
}

// awaitIdle waits until few calls are under way, and is false if that is not in time.
func (a *Ahead) awaitIdle(ctx context.Context, until time.Time) bool {
	for a.cache.calls.Load() >= int64(a.cache.cfg.Ahead.BusyFrom) {
		select {
		case <-time.After(idleLook):
		case <-ctx.Done():
			return false
		}
		if time.Now().After(until) {
			return false
		}
	}
	return true
}
