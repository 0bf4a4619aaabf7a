package persistencetest

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// budget makes the tenant and a hard budget of it.
func (b *bench) budget(id string, key messages.KeyID, period messages.BudgetPeriod, limit messages.NanoDollars) messages.Budget {
	b.Helper()
	put, created, err := b.store.PutBudget(b.ctx(), messages.Budget{
		ID: messages.BudgetID(id), Tenant: tenant, Key: key, Period: period, Limit: limit, Hard: true, Thresholds: []int{50, 100},
		Webhook: "https://hook.example", Secret: "secret", Created: asked,
	})
	b.must(err)
	if !created {
		b.Fatal("it was there already")
	}
	return put
}

func (b *bench) tenantWithKey() {
	b.Helper()
	b.must(b.store.CreateTenant(b.ctx(), messages.Tenant{ID: tenant, Name: "Acme", Created: asked}))
	b.must(b.store.CreateKey(b.ctx(), messages.APIKey{ID: "k1", Tenant: tenant, Role: messages.KeyMember, Created: asked}))
}

// spend writes a row of the key that costs so much.
func (b *bench) spend(key messages.KeyID, cost messages.NanoDollars) messages.UsageRow {
	b.Helper()
	row := usageRow(b.id(), 1)
	row.Key, row.Cost = key, cost
	b.must(b.store.AppendUsage(b.ctx(), []messages.UsageRow{row, row}))
	return row
}

func (b *bench) spent(id messages.BudgetID) messages.NanoDollars {
	b.Helper()
	states, err := b.store.BudgetStates(b.ctx(), tenant, asked)
	b.must(err)
	for i := range states {
		if states[i].ID == id {
			return states[i].Spent
		}
	}
	b.Fatalf("there is no %s", id)
	return 0
}

func (b *bench) lease(q messages.LeaseRequest) messages.Lease {
	b.Helper()
	l, err := b.store.LeaseBudget(b.ctx(), q)
	b.must(err)
	return l
}

func testBudgetSpending(b *bench) {
	b.tenantWithKey()
	b.spend("k1", 3)
	b.spend("k2", 4)
	day := b.budget("bud_day", "", messages.BudgetDay, 100)
	month := b.budget("bud_month", "k1", messages.BudgetMonth, 100)
	total := b.budget("bud_total", "", messages.BudgetTotal, 100)
	b.same(messages.NanoDollars(7), b.spent(day.ID)) // of before
	b.same(messages.NanoDollars(3), b.spent(month.ID))
	b.same(messages.NanoDollars(7), b.spent(total.ID))

	row := b.spend("k1", 10)
	b.must(b.store.AppendUsage(b.ctx(), []messages.UsageRow{row})) // once more
	foreign := row
	foreign.Tenant = "rival"
	b.must(b.store.AppendUsage(b.ctx(), []messages.UsageRow{foreign}))
	ref := b.conversation("hello")
	begin := b.begin(ref, b.activate(ref).Epoch, 2, "question")
	b.must(b.store.BeginTurn(b.ctx(), begin))
	b.must(b.store.EndTurn(b.ctx(), end(begin, "answer"))) // 7, by k1
	b.must(b.store.EndTurn(b.ctx(), end(begin, "answer")))
	b.same(messages.NanoDollars(24), b.spent(day.ID))
	b.same(messages.NanoDollars(20), b.spent(month.ID))

	// Whoever leases adds up, which changes nothing.
	l := b.lease(messages.LeaseRequest{Budget: day.ID, Tenant: tenant, Period: day.Period.KeyAt(asked), Node: "n1", Now: asked, TTL: time.Minute})
	b.same(messages.Lease{Limit: 100, Spent: 24}, l)
	b.same(messages.NanoDollars(24), b.spent(day.ID))
	b.reopen()
	b.same(messages.NanoDollars(24), b.spent(total.ID))

	states, err := b.store.BudgetStates(b.ctx(), tenant, asked.AddDate(0, 0, 1)) // begins anew
	b.must(err)
	b.same([]messages.NanoDollars{0, 20, 24}, []messages.NanoDollars{states[0].Spent, states[1].Spent, states[2].Spent})
	for other := range 3 {
		b.must(b.store.DeleteBudget(b.ctx(), []messages.BudgetID{day.ID, month.ID, total.ID}[other]))
	}
	b.refused(b.store.DeleteBudget(b.ctx(), day.ID), messages.CodeItemAbsent)
	states, err = b.store.BudgetStates(b.ctx(), "", asked)
	b.must(err)
	b.same(0, len(states))
}

func testBudgetChanges(b *bench) {
	b.tenantWithKey()
	before, err := b.store.LookAtBudgets(b.ctx(), asked.UnixMicro())
	b.must(err)
	first := b.budget("bud_1", "", messages.BudgetDay, 100)
	b.spend("k1", 60)
	change := first
	change.ID, change.Limit, change.Hard, change.Secret, change.Thresholds = "bud_other", 50, false, "", nil
	put, created, err := b.store.PutBudget(b.ctx(), change)
	b.must(err)
	b.same(false, created)
	b.same(messages.BudgetID("bud_1"), put.ID)
	states, err := b.store.BudgetStates(b.ctx(), tenant, asked)
	b.must(err)
	want := messages.BudgetState{Budget: put, PeriodKey: 20231114, Spent: 60, Begins: time.Date(2023, 11, 14, 0, 0, 0, 0, time.UTC), Ends: time.Date(2023, 11, 15, 0, 0, 0, 0, time.UTC)}
	want.Secret = "secret"
	b.same([]messages.BudgetState{want}, states)
	b.same(messages.NanoDollars(0), states[0].Left())
	now, err := b.store.LookAtBudgets(b.ctx(), asked.UnixMicro())
	b.must(err)
	if now.Version <= before.Version || now.Waiting["bud_1"] == 0 || len(now.Waiting) != 1 {
		b.Errorf("got %+v after %+v", now, before)
	}
	change.Tenant = "nobody"
	_, _, err = b.store.PutBudget(b.ctx(), change)
	b.refused(err, messages.CodeItemAbsent)
	change.Tenant, change.Key = tenant, "k9"
	_, _, err = b.store.PutBudget(b.ctx(), change)
	b.refused(err, messages.CodeItemAbsent)
	states, err = b.store.BudgetStates(b.ctx(), "rival", asked)
	b.must(err)
	b.same(0, len(states))
}

func testBudgetLeases(b *bench) {
	b.tenantWithKey()
	budget := b.budget("bud_1", "", messages.BudgetDay, 800)
	ask := func(node string, at time.Time, held, free, least, most messages.NanoDollars) messages.Lease {
		return b.lease(messages.LeaseRequest{
			Budget: budget.ID, Tenant: tenant, Period: budget.Period.KeyAt(asked), Node: node, Now: at, TTL: time.Minute,
			Held: held, Free: free, Least: least, Most: most,
		})
	}
	b.same(messages.NanoDollars(100), ask("n1", asked, 0, 0, 10, 1000).Granted) // an eighth
	b.same(messages.NanoDollars(700), ask("n2", asked, 0, 0, 900, 900).Granted) // what is needed, as far as there is
	l := ask("n1", asked, 30, 70, 50, 50)
	b.same(messages.NanoDollars(0), l.Granted)
	b.same(messages.NanoDollars(700), l.Others)
	b.same(messages.NanoDollars(0), ask("n2", asked, 100, 0, 0, 0).Granted) // gives 600 back
	b.same(messages.NanoDollars(600), ask("n1", asked, 30, 70, 999, 999).Granted)
	b.same(messages.NanoDollars(0), ask("n1", asked, 30, 670, 999, 999).Granted) // the same again
	b.spend("k1", 50)                                                            // beyond all leases
	b.same(messages.NanoDollars(-50), ask("n1", asked, 30, 670, 0, 0).Granted)

	later := asked.Add(time.Minute) // by when what n2 holds has expired
	b.same(messages.NanoDollars(100), ask("n1", later, 30, 620, 999, 999).Granted)
	b.same(messages.NanoDollars(0), ask("n3", later, 0, 0, 1, 1).Granted)
	b.must(b.store.EndLeases(b.ctx(), "n1"))
	b.same(messages.NanoDollars(750), ask("n3", later, 0, 0, 999, 999).Granted)
	b.must(b.store.DeleteBudget(b.ctx(), budget.ID))
	b.same(messages.Lease{Gone: true}, ask("n3", later, 0, 0, 1, 1))
}

func testBudgetShort(b *bench) {
	b.tenantWithKey()
	budget := b.budget("bud_1", "", messages.BudgetDay, 800)
	b.lease(messages.LeaseRequest{Budget: budget.ID, Tenant: tenant, Node: "n1", Now: asked, TTL: time.Minute, Short: true})
	news, err := b.store.LookAtBudgets(b.ctx(), asked.UnixMicro())
	b.must(err)
	b.same([]messages.BudgetID{budget.ID}, news.Short)
	news, err = b.store.LookAtBudgets(b.ctx(), asked.Add(time.Minute).UnixMicro())
	b.must(err)
	b.same(0, len(news.Short)+len(news.Waiting))
}

func testBudgetAlerts(b *bench) {
	b.tenantWithKey()
	budget := b.budget("bud_1", "", messages.BudgetDay, 100)
	look := func() []int {
		return b.lease(messages.LeaseRequest{Budget: budget.ID, Tenant: tenant, Period: budget.Period.KeyAt(asked), Node: "n1", Now: asked, TTL: time.Minute}).Reached
	}
	take := func(at time.Time) []messages.BudgetAlert {
		b.Helper()
		taken, err := b.store.TakeAlerts(b.ctx(), at, at.Add(time.Minute), 10)
		b.must(err)
		return taken
	}
	b.spend("k1", 49)
	b.same(0, len(look()))
	b.spend("k1", 1)
	b.same([]int{50}, look())
	b.same(0, len(look()))
	first := take(asked)
	b.same(1, len(first))
	b.same("bud_1_20231114_50", first[0].ID)
	b.same([]any{50, 0, messages.NanoDollars(50), "https://hook.example", "secret"},
		[]any{first[0].Threshold, first[0].Tries, first[0].Budget.Spent, first[0].Budget.Webhook, first[0].Budget.Secret})
	b.same(0, len(take(asked.Add(30*time.Second)))) // somebody is at it
	again := take(asked.Add(2 * time.Minute))       // who has died
	b.same(1, again[0].Tries)
	b.must(b.store.PostponeAlert(b.ctx(), again[0], asked.Add(time.Hour)))
	b.same(0, len(take(asked.Add(30*time.Minute))))
	b.reopen()
	b.same(1, len(take(asked.Add(time.Hour))))
	b.must(b.store.PostponeAlert(b.ctx(), again[0], time.Time{}))
	b.same(0, len(take(asked.Add(24*time.Hour))))
	b.spend("k1", 500)
	b.same([]int{100}, look())
	states, err := b.store.BudgetStates(b.ctx(), tenant, asked)
	b.must(err)
	b.same([]int{50, 100}, states[0].Reached)
}

// testBudgetRace has nodes lease, spend and give back at once: they spend all that
// there is and no more, and what is spent is what the rows come to.
func testBudgetRace(b *bench) {
	b.tenantWithKey()
	const limit = 10_000
	budget := b.budget("bud_1", "", messages.BudgetDay, limit)
	period := budget.Period.KeyAt(asked)
	var sum atomic.Int64
	var nodes sync.WaitGroup
	for _, node := range []string{"n1", "n2", "n3", "n4"} {
		nodes.Go(func() {
			var held, free messages.NanoDollars
			for range 200 {
				l, err := b.store.LeaseBudget(b.ctx(), messages.LeaseRequest{
					Budget: budget.ID, Tenant: tenant, Period: period, Node: node, Now: asked, TTL: time.Minute, Held: held, Free: free, Least: 150, Most: 300,
				})
				if err != nil || l.Granted < -free {
					b.Errorf("%s holds %d and %d: %+v, %v", node, held, free, l, err)
					return
				}
				free += l.Granted
				cost := messages.NanoDollars(rand.Int64N(100)) // #nosec G404 -- a test
				if cost > free {
					free = 0 // given back
					continue
				}
				row := usageRow(b.id(), 1)
				row.Cost = cost
				free, held = free-cost, held+cost
				if err := b.store.AppendUsage(b.ctx(), []messages.UsageRow{row}); err != nil {
					b.Error(err)
					return
				}
				held -= cost
				sum.Add(int64(cost))
			}
		})
	}
	nodes.Wait()
	if sum.Load() > limit || sum.Load() < limit-100 { // what is left is less than one costs, at most
		b.Errorf("%d of %d was spent", sum.Load(), limit)
	}
	b.same(messages.NanoDollars(sum.Load()), b.spent(budget.ID))
}
