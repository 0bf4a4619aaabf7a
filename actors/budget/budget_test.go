package budget

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/messages"
)

func TestHardBudgetIsUsedToItsLastReservationAndNotPassed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newBook(hard(1000)), "n1")
		for range 9 {
			r := n.reservation(100)
			if err := n.ledger.Reserve(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			n.write(r.Row, 100)
		}
		r := n.reservation(101)
		err := n.ledger.Reserve(t.Context(), r)
		if f := messages.AsFailure(err); f.Code != messages.CodeBudgetExceeded || !f.NoRetry {
			t.Fatalf("got %v", err)
		}
		r = n.reservation(100)
		if err := n.ledger.Reserve(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		other := n.reservation(50)
		if f := messages.AsFailure(n.ledger.Reserve(t.Context(), other)); f.Code != messages.CodeBudgetExceeded || f.NoRetry || f.RetryAfter == 0 {
			t.Fatalf("what a running request holds is refused for good: %v", f)
		}
		n.write(r.Row, 30)
		time.Sleep(2 * n.cfg.Refresh)
		if err := n.ledger.Reserve(t.Context(), other); err != nil {
			t.Fatalf("what an attempt did not come to is not free again: %v", err)
		}
	})
}

func TestCrowdInFrontOfAnEmptyBudgetDoesNotReachTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook(hard(10_000))
		n := newNode(t, b, "n1")
		var granted atomic.Int64
		var crowd sync.WaitGroup
		all := make([]messages.Reservation, 10_000)
		for i := range all {
			all[i] = n.reservation(100)
		}
		for i := range all {
			crowd.Go(func() {
				if n.ledger.Reserve(context.Background(), all[i]) == nil {
					granted.Add(1)
				}
			})
		}
		crowd.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		if granted.Load() != 100 || b.asked > 100 {
			t.Errorf("%d were granted, and the store was asked %d times", granted.Load(), b.asked)
		}
	})
}

func TestNodesGiveBackWhatOthersWaitFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook(hard(1000))
		one, two := newNode(t, b, "n1"), newNode(t, b, "n2")
		r := one.reservation(10)
		if err := one.ledger.Reserve(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		one.write(r.Row, 10)
		if err := two.ledger.Reserve(t.Context(), two.reservation(990)); err != nil {
			t.Fatalf("all that is left: %v", err)
		}
	})
}

func TestWithoutItsStoreANodeSpendsItsLeaseAndNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		soft := messages.Budget{ID: "b2", Tenant: "other", Period: messages.BudgetDay, Limit: 1}
		b := newBook(hard(64_000), soft)
		n := newNode(t, b, "n1")
		if err := n.ledger.Reserve(t.Context(), n.reservation(10)); err != nil { // leases a sixty-fourth more
			t.Fatal(err)
		}
		b.goAway(true)
		if err := n.ledger.Reserve(t.Context(), n.reservation(500)); err != nil {
			t.Fatalf("from the lease: %v", err)
		}
		if err := n.ledger.Reserve(t.Context(), n.reservation(2000)); messages.CodeOf(err) != messages.CodeStoreUnavailable {
			t.Fatalf("beyond it: %v", err)
		}
		other := n.reservation(2000)
		other.Row.Tenant = "other"
		if err := n.ledger.Reserve(t.Context(), other); err != nil {
			t.Fatalf("a soft budget: %v", err)
		}
		time.Sleep(n.cfg.Lease + time.Second)
		if err := n.ledger.Reserve(t.Context(), n.reservation(10)); messages.CodeOf(err) != messages.CodeStoreUnavailable {
			t.Fatalf("when the lease has ended: %v", err)
		}
		b.goAway(false)
		if err := n.ledger.Reserve(t.Context(), n.reservation(10)); err != nil {
			t.Fatalf("when the store is back: %v", err)
		}
	})
}

func TestNextDayBeginsAnewAndOnlyThat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		day, total := hard(100), hard(150)
		total.ID, total.Period = "b2", messages.BudgetTotal
		n := newNode(t, newBook(day, total), "n1")
		spend := func(amount int) error {
			r := n.reservation(amount)
			err := n.ledger.Reserve(t.Context(), r)
			if err == nil {
				n.write(r.Row, messages.NanoDollars(amount))
			}
			return err
		}
		if err := spend(100); err != nil {
			t.Fatal(err)
		}
		if messages.CodeOf(spend(10)) != messages.CodeBudgetExceeded {
			t.Fatal("the day is not over")
		}
		time.Sleep(24 * time.Hour)
		if err := spend(50); err != nil {
			t.Fatal(err)
		}
		if messages.CodeOf(spend(10)) != messages.CodeBudgetExceeded {
			t.Fatal("the total is spent")
		}
	})
}

func TestWhatHasNoPriceIsFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newBook(hard(0)), "n1")
		r := n.reservation(10)
		r.Row.Served.Model = "free"
		if err := n.ledger.Reserve(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSpendingNeverPassesAHardBudget has nodes reserve, settle, count, fail and wait
// at random. The plain model: what is spent, and what attempts that run have
// reserved, is never more than the limit; and the store's sum is that of the rows.
func TestSpendingNeverPassesAHardBudget(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7)) // #nosec G404 -- a test
			const limit = 5000
			b := newBook(hard(limit))
			nodes := []*node{newNode(t, b, "n1"), newNode(t, b, "n2"), newNode(t, b, "n3")}
			type running struct {
				node *node
				r    messages.Reservation
				most int
			}
			var flying []running
			spent, reserved := 0, 0
			for range 400 {
				switch n := nodes[random.IntN(3)]; random.IntN(8) {
				case 0, 1, 2:
					most := 2 + random.IntN(200)
					r := n.reservation(most)
					if n.ledger.Reserve(t.Context(), r) == nil {
						flying, reserved = append(flying, running{n, r, most}), reserved+most
					}
				case 3, 4, 5:
					if len(flying) > 0 {
						at := random.IntN(len(flying))
						f := flying[at]
						flying = append(flying[:at], flying[at+1:]...)
						cost := random.IntN(f.most + 1)
						f.node.write(f.r.Row, messages.NanoDollars(cost))
						spent, reserved = spent+cost, reserved-f.most
					}
				case 6:
					time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
				case 7:
					time.Sleep(time.Duration(random.IntN(200)) * time.Second)
				}
				if spent+reserved > limit {
					t.Fatalf("seed %d: %d are spent and %d reserved of %d", seed, spent, reserved, limit)
				}
			}
			name := purseName{"b1", messages.BudgetDay.KeyAt(time.Now())}
			if b.spent[name] != messages.NanoDollars(spent) {
				t.Errorf("seed %d: the book has %d, the model %d", seed, b.spent[name], spent)
			}
		})
	}
}

func TestReservationFromMemoryAllocatesNothing(t *testing.T) {
	n := newNode(t, newBook(hard(1e15)), "n1")
	r := n.reservation(100)
	cycle := func() {
		if err := n.ledger.Reserve(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		row := r.Row
		n.ledger.Release(&row)
	}
	cycle()
	if allocated := testing.AllocsPerRun(1000, cycle); allocated != 0 {
		t.Errorf("%g allocations", allocated)
	}
}

func BenchmarkReserveAndSettle(b *testing.B) {
	n := newNode(b, newBook(hard(1e15)), "n1")
	r := n.reservation(100)
	b.ReportAllocs()
	for b.Loop() {
		if err := n.ledger.Reserve(context.Background(), r); err != nil {
			b.Fatal(err)
		}
		n.ledger.Release(&r.Row)
	}
}
