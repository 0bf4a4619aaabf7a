// Package budget bounds what tenants and keys spend. Its actor leases money from
// the store, a slice of each budget at a time; a request takes from the slice in
// memory before each attempt, gives back what the attempt did not come to, and
// waits for the store only where the slice does not suffice.
//
//	budget.go    what the parts of the server see      keeper.go    the actor
//	reserve.go   before an attempt, and after it       exchange.go  its talks with the store
//	ledger.go    all of it in front of the ledger      alerts.go    thresholds and webhooks
//	pocket.go    the arithmetic (pure)                 bound.go     what an attempt may cost (pure)
//
// docs/decisions/budgets.md says why it adds up.
package budget

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// Store is the truth of budgets. Both stores implement it.
type Store interface {
	Budgets(ctx context.Context) ([]messages.Budget, error)
	// LookAtBudgets returns what there is new. now is in microseconds since 1970.
	LookAtBudgets(ctx context.Context, now int64) (messages.BudgetNews, error)
	// LeaseBudget may be repeated: who asks the same twice holds it once.
	LeaseBudget(ctx context.Context, q messages.LeaseRequest) (messages.Lease, error)
	EndLeases(ctx context.Context, node string) error
}

// Charge is what a usage of a target costs, by the price of a moment.
type Charge func(target messages.Target, usage messages.Usage, began time.Time) messages.Charge

// Deps is what budgets need.
type Deps struct {
	Store      Store
	Charge     Charge
	Node       string // names this node's leases; the same after a restart, and no other's
	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// Budgets says what may be spent. It outlives its actor's restarts and is safe for
// concurrent use.
type Budgets struct {
	cfg     Config
	deps    Deps
	metrics *metrics
	known   atomic.Pointer[snapshot]
	holds   *holds
	tell    atomic.Pointer[func(any)] // to the actor
	pockets map[messages.BudgetID]*pocket
	version uint64 // of the budgets, as the store counts; the actor's own, as the pockets are
}

// Open ends what an earlier process of this node held, and learns the budgets. The
// rows of that process must be in the store. The actor is to be spawned from Props.
func Open(ctx context.Context, cfg Config, deps Deps) (*Budgets, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Budgets{
		cfg: cfg, deps: deps, metrics: newMetrics(deps.Registerer), holds: newHolds(),
		pockets: make(map[messages.BudgetID]*pocket),
	}
	if err := deps.Store.EndLeases(ctx, deps.Node); err != nil {
		return nil, err
	}
	news, err := deps.Store.LookAtBudgets(ctx, time.Now().UnixMicro())
	if err != nil {
		return nil, err
	}
	all, err := deps.Store.Budgets(ctx)
	if err != nil {
		return nil, err
	}
	b.learn(news.Version, all)
	return b, nil
}

// Props returns the actor.
func (b *Budgets) Props() *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &keeper{budgets: b, talks: make(map[purseRef]*talk)} })
}

// learn makes a new snapshot of all budgets that there are. Those that are known
// already keep what they hold. Open and the actor call it.
func (b *Budgets) learn(version uint64, all []messages.Budget) {
	there := make(map[messages.BudgetID]*pocket, len(all))
	for _, budget := range all {
		k := b.pockets[budget.ID]
		if k == nil {
			k = &pocket{id: budget.ID, tenant: budget.Tenant, key: budget.Key, period: budget.Period, budget: budget}
			k.open(budget.Period.KeyAt(time.Now())).counted = true // to be looked at once: a threshold may be reached
		} else {
			k.change(budget)
		}
		there[budget.ID] = k
	}
	b.pockets, b.version = there, version
	s := newSnapshot(there)
	b.known.Store(&s)
	b.metrics.budgets.Set(float64(len(there)))
}

// change takes over what an operator set. What was refused may be granted now.
func (k *pocket) change(budget messages.Budget) {
	k.mu.Lock()
	defer k.mu.Unlock()
	same := k.budget.Limit == budget.Limit && k.budget.Hard == budget.Hard
	k.budget = budget
	for _, p := range k.purses {
		if !budget.Hard {
			p.free = 0
		}
		if !same {
			p.refused, p.counted = 0, true
		}
	}
}

// Remaining is what is left, in micro-dollars, of the budget of a tenant and its
// key that has the least left, as far as this node knows. It is false where no
// budget applies. It asks nobody.
func (b *Budgets) Remaining(tenant messages.TenantID, key messages.KeyID) (left messages.MicroDollars, applies bool) {
	of := b.known.Load().of(tenant, key)
	if of.empty() {
		return 0, false
	}
	day := messages.DayOf(time.Now())
	least := messages.NanoDollars(1<<63 - 1)
	of.each(func(k *pocket) { least = min(least, k.remaining(k.period.Key(day))) })
	return least.Micro(), true
}
