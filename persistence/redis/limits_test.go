package redis_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"example.com/parley/messages"
	"example.com/parley/persistence/redis"
)

// sharer is a node that shares the limits of one holder. It has 6000 requests a
// minute, and 7 turns at once.
type sharer struct {
	t      *testing.T
	limits *redis.Limits
	report messages.LimitReport
	share  messages.LimitShare
	nodes  int
}

const (
	sharedRate  = 6000
	sharedTurns = 7
)

func (r *rig) sharer(holder string) *sharer {
	r.t.Helper()
	limits, err := redis.OpenLimits(r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = limits.Close() })
	return &sharer{t: r.t, limits: limits, report: messages.LimitReport{
		Holder: holder, Rates: [3]int64{sharedRate}, Known: [3]float64{sharedRate}, Most: [2]int64{sharedTurns},
	}}
}

// tell reports that so many more were used.
func (s *sharer) tell(more int64) messages.LimitShare {
	s.t.Helper()
	s.report.Used[0] += more
	shares, nodes, err := s.limits.Exchange(s.t.Context(), []messages.LimitReport{s.report})
	if err != nil || len(shares) != 1 {
		s.t.Fatalf("%+v, %v", shares, err)
	}
	s.share, s.nodes = shares[0], nodes
	s.report.Life, s.report.Told = s.share.Life, s.report.Used
	s.report.Known[0] = s.share.Left[0]
	return s.share
}

// near allows for what comes in a few seconds.
func near(got, want float64) bool { return got > want-1 && got < want+300 }

func TestNodesLeaseNoMoreThanThereIs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	nodes := []*sharer{r.sharer("h"), r.sharer("h"), r.sharer("h")}
	began, used := time.Now(), 0.0
	for range 600 {
		s := nodes[rand.IntN(len(nodes))] // #nosec G404 -- a test
		take := int64(s.share.Leased[0] * rand.Float64())
		used += float64(take)
		s.tell(take)
		leased := 0.0
		for _, each := range nodes {
			leased += each.share.Leased[0]
		}
		most := sharedRate + time.Since(began).Seconds()*sharedRate/60
		if used+leased > most+1e-6 {
			t.Fatalf("%v are used and %v leased, of %v", used, leased, most)
		}
		if s.share.Left[0] > most-used+1e-6 || s.share.Left[0] < leased-1e-6 {
			t.Fatalf("%v are said to be left, and %v are leased of %v", s.share.Left[0], leased, most-used)
		}
	}
	if used < sharedRate/2 {
		t.Errorf("only %v were ever leased", used)
	}
	if slices.ContainsFunc(nodes, func(s *sharer) bool { return s.nodes != 3 }) {
		t.Error("not all know how many they are")
	}
}

func TestRepeatedReportCountsOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.sharer("h")
	s.tell(0)
	before := s.report
	s.tell(1000)
	again := before // as if the answer was lost
	again.Used[0] += 1500
	s.report = again
	if got := s.tell(0); !near(got.Left[0], sharedRate-1500) {
		t.Errorf("of %d all but 1500 are left, and it says %v", sharedRate, got.Left[0])
	}
}

func TestForgottenLimitsGoOnWithWhatIsKnown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.sharer("h"), r.sharer("h")
	a.tell(2500)
	b.tell(2000)
	a.tell(0)
	r.flush()
	if got := a.tell(900); !near(got.Left[0], 1500) { // the 900 came from what filled in the node
		t.Errorf("the first finds %v", got.Left[0])
	}
	if got := b.tell(900); !near(got.Left[0], 1500) {
		t.Errorf("the second finds %v", got.Left[0])
	}
	if got := b.tell(100); !near(got.Left[0], 1400) {
		t.Errorf("then it finds %v", got.Left[0])
	}
}

func TestDebtIsPaid(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.sharer("h"), r.sharer("h")
	a.tell(2 * sharedRate)
	if got := b.tell(0); got.Leased[0] != 0 || !near(got.Left[0], -sharedRate) {
		t.Errorf("got %+v", got)
	}
	a.report.Used[0] -= 2 * sharedRate // given back
	if got := a.tell(0); !near(got.Left[0], sharedRate) && got.Left[0] != sharedRate {
		t.Errorf("once it is given back: %+v", got)
	}
}

func TestChangedRateGoesOnWithWhatIsLeft(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.sharer("h")
	a.tell(sharedRate / 2)
	a.report.Leaves = true
	a.tell(0)
	a.report.Rates[0] = 10 * sharedRate
	if got := a.tell(0); !near(got.Left[0], sharedRate/2) {
		t.Errorf("with a higher rate it has %+v", got)
	}
	a.report.Rates[0] = 10
	if got := a.tell(0); got.Left[0] != 10 {
		t.Errorf("with a lower one it has %+v", got)
	}
	a.report.Rates = [3]int64{10, 0, 7}
	if got := a.tell(0); got.Left[2] != 7 {
		t.Errorf("a limit that is new has %+v", got)
	}
}

func TestPlacesAreNoMoreThanThereAre(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	nodes := []*sharer{r.sharer("h"), r.sharer("h"), r.sharer("h")}
	for range 300 {
		s := nodes[rand.IntN(len(nodes))]                   // #nosec G404 -- a test
		s.report.Held[0] = rand.Int64N(s.share.Most[0] + 1) // #nosec G404 -- likewise
		s.tell(0)
		sum, used := int64(0), int64(0)
		for _, each := range nodes {
			sum += each.share.Most[0]
			used += each.report.Held[0]
		}
		if sum > sharedTurns || used > sum {
			t.Fatalf("%d places are leased, %d used, of %d", sum, used, sharedTurns)
		}
	}
	for _, s := range nodes {
		s.report.Held[0], s.report.Leaves = 0, true
		s.tell(0)
	}
	last := r.sharer("h")
	if got := last.tell(0); got.Most[0] != sharedTurns {
		t.Errorf("once all have left there are %d", got.Most[0])
	}
}

func TestDeadNodesLeaseNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dead, left, alive := r.sharer("h"), r.sharer("other"), r.sharer("h")
	dead.report.Held[0] = sharedTurns
	dead.tell(0)
	left.tell(0)
	if alive.tell(0); alive.share.Most[0] != 0 || alive.nodes != 3 {
		t.Fatalf("at first: %+v of %d", alive.share, alive.nodes)
	}
	if err := left.limits.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alive.tell(0); alive.nodes != 2 {
		t.Errorf("with one that left there are %d", alive.nodes)
	}
	eventually(t, "the dead one to be forgotten", func() bool {
		alive.tell(0)
		return alive.nodes == 1 && alive.share.Most[0] == sharedTurns
	})
}

func TestManyHoldersAreSettledTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.sharer("h")
	many := make([]messages.LimitReport, 250)
	for i := range many {
		many[i] = s.report
		many[i].Holder = string(rune('a' + i))
		many[i].Used[0] = int64(i)
	}
	shares, nodes, err := s.limits.Exchange(t.Context(), many)
	if err != nil || len(shares) != len(many) || nodes != 1 {
		t.Fatalf("%d shares of %d nodes: %v", len(shares), nodes, err)
	}
	for i := range shares {
		if shares[i].Left[0] != float64(sharedRate-i) {
			t.Fatalf("%d: %+v", i, shares[i])
		}
	}
	if shares, nodes, err := s.limits.Exchange(t.Context(), nil); err != nil || len(shares) != 0 || nodes != 1 {
		t.Errorf("without a report: %v, %d, %v", shares, nodes, err)
	}
}

func TestLimitsWithoutRedisFail(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gate := r.newGate(false)
	s := r.sharer("h")
	gate.close()
	if _, _, err := s.limits.Exchange(t.Context(), []messages.LimitReport{s.report}); err == nil {
		t.Error("it did not say so")
	}
	gate.reopen()
	s.tell(0)
}
