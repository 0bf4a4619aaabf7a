package budget

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book is a store in memory, with the rules of the real ones.
type book struct {
	mu      sync.Mutex
	budgets map[messages.BudgetID]messages.Budget
	version uint64
	spent   map[purseName]messages.NanoDollars
	leases  map[purseName]map[string]held
	short   map[messages.BudgetID]time.Time
	away    bool
	asked   int
	ended   []string
}

type purseName struct {
	budget messages.BudgetID
	period messages.PeriodKey
}

type held struct {
	amount  messages.NanoDollars
	expires time.Time
}

func newBook(budgets ...messages.Budget) *book {
	b := &book{
		budgets: make(map[messages.BudgetID]messages.Budget), spent: make(map[purseName]messages.NanoDollars),
		leases: make(map[purseName]map[string]held), short: make(map[messages.BudgetID]time.Time),
	}
	for _, budget := range budgets {
		b.set(budget)
	}
	return b
}

func (b *book) set(budget messages.Budget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.budgets[budget.ID] = budget
	b.version++
}

func (b *book) goAway(away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = away
}

var errGone = errors.New("the store is away")

func (b *book) Budgets(context.Context) (all []messages.Budget, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, budget := range b.budgets {
		all = append(all, budget)
	}
	return all, nil
}

func (b *book) LookAtBudgets(_ context.Context, now int64) (news messages.BudgetNews, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return news, errGone
	}
	for id, until := range b.short {
		if until.UnixMicro() > now {
			news.Short = append(news.Short, id)
		}
	}
	news.Version = b.version
	return news, nil
}

func (b *book) EndLeases(_ context.Context, node string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = append(b.ended, node)
	for _, nodes := range b.leases {
		delete(nodes, node)
	}
	return nil
}

func (b *book) LeaseBudget(_ context.Context, q messages.LeaseRequest) (l messages.Lease, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	budget, found := b.budgets[q.Budget]
	if b.away || !found {
		return messages.Lease{Gone: !b.away}, map[bool]error{true: errGone}[b.away]
	}
	name := purseName{q.Budget, q.Period}
	l = messages.Lease{Limit: budget.Limit, Spent: b.spent[name]}
	for node, h := range b.leases[name] {
		if node != q.Node && h.expires.After(q.Now) {
			l.Others += h.amount
		}
	}
	if q.Short {
		b.short[q.Budget] = q.Now.Add(5 * time.Second)
	}
	if !budget.Hard {
		return l, nil
	}
	room := l.Limit - l.Spent - l.Others - q.Held - q.Free
	if l.Granted = min(room, max(q.Least, min(q.Most, room/8))); room < 0 {
		l.Granted = max(room, -max(q.Free, 0))
	}
	if b.leases[name] == nil {
		b.leases[name] = make(map[string]held)
	}
	b.leases[name][q.Node] = held{max(0, q.Held+q.Free+l.Granted), q.Now.Add(q.TTL)}
	return l, nil
}

// rows is a ledger whose rows are in the store when the test says so.
type rows struct{}

func (rows) Reserve(context.Context, messages.Reservation) error { return nil }
func (rows) Settle(context.Context, messages.UsageRow) error     { return nil }
func (rows) Release(messages.TenantID, messages.TurnID, int)     {}

// nanoPerToken has every token cost a nano-dollar, and models that are called free
// nothing that anybody knows.
func nanoPerToken(target messages.Target, u messages.Usage, _ time.Time) messages.Charge {
	if target.Model == "free" {
		return messages.Charge{}
	}
	return messages.Charge{Cost: messages.NanoDollars(u.Input + u.Output), Known: true}
}

// node is a server's budgets with their actor.
type node struct {
	*Budgets
	ledger *Ledger
	book   *book
	high   uint16
}

func newNode(t testing.TB, b *book, name string) *node {
	t.Helper()
	cfg := DefaultConfig()
	budgets, err := Open(context.Background(), cfg, Deps{
		Store: b, Charge: nanoPerToken, Node: name, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	system := actor.NewActorSystem(actor.WithDeadLetterThrottleCount(0),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	pid := system.Root.Spawn(budgets.Props())
	for budgets.tell.Load() == nil {
		time.Sleep(time.Millisecond)
	}
	t.Cleanup(func() {
		_ = system.Root.StopFuture(pid).Wait()
		system.Shutdown()
	})
	return &node{Budgets: budgets, ledger: NewLedger(budgets, rows{}), book: b}
}

// reservation is of a new attempt that may cost so much.
func (n *node) reservation(most int) messages.Reservation {
	n.high++
	id := messages.FirstTurnID(time.Now())
	id[14], id[15] = byte(n.high>>8), byte(n.high)
	return messages.Reservation{
		Row:       messages.UsageRow{Tenant: "acme", Key: "k1", Request: id, Attempt: 1, Created: time.Now()},
		MostInput: most - 1, MaxOutput: 1,
	}
}

// write puts a row into the store.
func (n *node) write(row messages.UsageRow, cost messages.NanoDollars) {
	row.Cost = cost
	n.ledger.Ended(&row)
	n.book.mu.Lock()
	for id, budget := range n.book.budgets {
		if budget.Key == "" || budget.Key == row.Key {
			n.book.spent[purseName{id, budget.Period.KeyAt(row.Request.Time())}] += cost
		}
	}
	n.book.mu.Unlock()
	n.ledger.Release(&row)
}

func hard(limit messages.NanoDollars) messages.Budget {
	return messages.Budget{ID: "b1", Tenant: "acme", Period: messages.BudgetDay, Limit: limit, Hard: true}
}
