package admission

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

// plain is the queue as its comments say it, without a thought for time or memory:
// every turn in one list, every account kept for ever.
type plain struct {
	turns  []waiting
	clock  [messages.Priorities]uint64
	paid   [messages.Priorities]map[messages.TenantID]uint64
	since  map[string]uint64 // by line, class and tenant
	passed [messages.Priorities]int
}

type waiting struct {
	line string
	m    *messages.StartTurn
}

func (w waiting) class() int { return int(w.m.Spec.Priority) }

func (w waiting) flow() string {
	return fmt.Sprintf("%s %d %s", w.line, w.class(), w.m.Spec.Tenant)
}

func (p *plain) has(of func(waiting) bool) bool { return slices.ContainsFunc(p.turns, of) }

func (p *plain) push(line string, m *messages.StartTurn) {
	w := waiting{line, m}
	if !p.has(func(o waiting) bool { return o.flow() == w.flow() }) {
		p.since[w.flow()] = p.clock[w.class()]
	}
	p.turns = append(p.turns, w)
}

func (p *plain) due(w waiting) uint64 {
	return max(p.since[w.flow()], p.paid[w.class()][w.m.Spec.Tenant])
}

// next is the turn that is due first among the first of each flow.
func (p *plain) next(full map[string]bool) (next *messages.StartTurn) {
	var order []int
	for class := messages.Priorities - 1; class > 0; class-- {
		if p.passed[class] >= patience {
			order = append(order, class)
		}
	}
	for _, class := range append(order, 0, 1, 2) {
		seen, best := map[string]bool{}, waiting{}
		for _, w := range p.turns {
			if w.class() == class && !full[w.line] && !seen[w.flow()] && (best.m == nil || p.due(w) < p.due(best)) {
				best = w
			}
			seen[w.flow()] = true
		}
		if best.m != nil {
			return best.m
		}
	}
	return nil
}

func (p *plain) take(m *messages.StartTurn) {
	i := slices.IndexFunc(p.turns, func(w waiting) bool { return w.m == m })
	p.turns = slices.Delete(p.turns, i, i+1)
	for class := range p.passed {
		if !p.has(func(o waiting) bool { return o.class() == class }) {
			p.passed[class], p.clock[class], p.paid[class] = 0, 0, map[messages.TenantID]uint64{}
		}
	}
}

func (p *plain) serve(m *messages.StartTurn) {
	i := slices.IndexFunc(p.turns, func(w waiting) bool { return w.m == m })
	w := p.turns[i]
	due := p.due(w)
	p.clock[w.class()] = max(p.clock[w.class()], due)
	p.paid[w.class()][m.Spec.Tenant] = due + unit/uint64(max(m.Weight, 1))
	p.passed[w.class()] = 0
	for class := w.class() + 1; class < messages.Priorities; class++ {
		if p.has(func(o waiting) bool { return o.class() == class }) {
			p.passed[class]++
		}
	}
	p.take(m)
}

func newPlain() *plain {
	p := &plain{since: map[string]uint64{}}
	for class := range p.paid {
		p.paid[class] = map[messages.TenantID]uint64{}
	}
	return p
}

var weights = map[messages.TenantID]int{"a": 0, "b": 1, "c": 2, "d": 5}

func anyTurn(t *rapid.T) (line string, m *messages.StartTurn) {
	tenant := rapid.SampledFrom([]messages.TenantID{"a", "b", "c", "d"}).Draw(t, "tenant")
	class := rapid.IntRange(0, messages.Priorities-1).Draw(t, "class")
	m = &messages.StartTurn{Spec: &messages.TurnSpec{Tenant: tenant, Priority: messages.Priority(class)}, Weight: weights[tenant]}
	return rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "line"), m
}

// Whatever comes, goes and is pushed out, in whatever order: the next turn is the
// one that the plain model names.
func TestQueueServesAsThePlainModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		p := newPlain()
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				line, m := anyTurn(t)
				q.push(line, m)
				p.push(line, m)
			},
			"serve": func(t *rapid.T) {
				full, closed := map[string]bool{}, map[*line]bool{}
				for _, name := range []string{"x", "y", "z"} {
					if full[name] = rapid.IntRange(0, 3).Draw(t, "full") == 0; full[name] && q.lines[name] != nil {
						closed[q.lines[name]] = true
					}
				}
				want, got := p.next(full), q.next(leftOut{lines: closed})
				switch {
				case want == nil && got == nil:
					return
				case got == nil || want != got.first().turn:
					t.Fatalf("got %+v, want %+v", got, want)
				}
				if m := q.serve(got); m != want {
					t.Fatalf("served another")
				}
				p.serve(want)
			},
			"leave": func(t *rapid.T) {
				if len(p.turns) == 0 {
					return
				}
				gone := rapid.SampledFrom(p.turns).Draw(t, "who").m
				q.remove(func(m *messages.StartTurn) bool { return m == gone })
				p.take(gone)
			},
			"push out": func(t *rapid.T) {
				line, m := anyTurn(t)
				q.push(line, m)
				p.push(line, m)
				out := q.pushOut(int(m.Spec.Priority), m.Spec.Tenant)
				if lower := p.has(func(w waiting) bool { return w.class() > int(m.Spec.Priority) }); lower && (out == nil || out.Spec.Priority <= m.Spec.Priority) {
					t.Fatalf("%+v made room for class %d, and there are lower ones", out, m.Spec.Priority)
				}
				if out == nil {
					return
				}
				p.mayGo(t, out, m)
				p.take(out)
			},
			"": func(t *rapid.T) { p.agrees(t, &q) },
		})
	})
}

// mayGo checks that the turn that was pushed out is the newest of the tenant that
// has most in the lowest class.
func (p *plain) mayGo(t *rapid.T, out, in *messages.StartTurn) {
	counts, newest := map[messages.TenantID]int{}, map[messages.TenantID]*messages.StartTurn{}
	for _, w := range p.turns {
		switch {
		case w.class() > int(out.Spec.Priority):
			t.Fatalf("class %d was pushed out, and there is a lower one", out.Spec.Priority)
		case w.class() == int(out.Spec.Priority):
			counts[w.m.Spec.Tenant]++
			newest[w.m.Spec.Tenant] = w.m
		}
	}
	over := func(tenant messages.TenantID, n int) float64 { return float64(n) / float64(max(weights[tenant], 1)) }
	for tenant, n := range counts {
		if over(tenant, n) > over(out.Spec.Tenant, counts[out.Spec.Tenant]) {
			t.Fatalf("%s was pushed out, and %s has more", out.Spec.Tenant, tenant)
		}
	}
	if newest[out.Spec.Tenant] != out {
		t.Fatalf("not the newest was pushed out")
	}
	if out.Spec.Priority == in.Spec.Priority && out.Spec.Tenant == in.Spec.Tenant {
		t.Fatalf("a tenant made room for itself")
	}
}

func (p *plain) agrees(t *rapid.T, q *queue) {
	if q.length != len(p.turns) {
		t.Fatalf("%d wait, want %d", q.length, len(p.turns))
	}
	for class := range q.classes {
		want := map[messages.TenantID]int{}
		for _, w := range p.turns {
			if w.class() == class {
				want[w.m.Spec.Tenant]++
			}
		}
		for tenant, n := range want {
			if a := q.classes[class].accounts[tenant]; a == nil || a.waiting != n {
				t.Fatalf("class %d: %s has %+v, want %d", class, tenant, a, n)
			}
		}
		if q.classes[class].tenants != len(want) {
			t.Fatalf("class %d: %d tenants, want %v", class, q.classes[class].tenants, want)
		}
	}
}

// While tenants wait all the time each gets places by its weight, to within one
// place, whatever the others send: the bound of start-time fair queueing.
func TestTenantsThatWaitShareByWeight(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		turn := func(tenant messages.TenantID) *messages.StartTurn {
			return &messages.StartTurn{Spec: &messages.TurnSpec{Tenant: tenant}, Weight: weights[tenant]}
		}
		for tenant := range weights {
			for range rapid.IntRange(1, 50).Draw(t, "burst of "+string(tenant)) {
				q.push("x", turn(tenant))
			}
		}
		got := map[messages.TenantID]float64{}
		for range rapid.IntRange(1, 200).Draw(t, "places") {
			m := q.serve(q.next(leftOut{}))
			got[m.Spec.Tenant] += 1 / float64(max(m.Weight, 1))
			q.push("x", turn(m.Spec.Tenant)) // each has always some more
		}
		for a := range weights {
			for b := range weights {
				bound := 1/float64(max(weights[a], 1)) + 1/float64(max(weights[b], 1))
				if difference := got[a] - got[b]; difference > bound+1e-9 {
					t.Fatalf("%s is %.2f ahead of %s, at most %.2f: %v", a, difference, b, bound, got)
				}
			}
		}
	})
}

// A tenant that comes for the first time in a while is due at once, and a flood
// before it costs it at most one place.
func TestWhoComesNowAndThenIsLetInNext(t *testing.T) {
	t.Parallel()
	var q queue
	for range 1000 {
		q.push("x", &messages.StartTurn{Spec: &messages.TurnSpec{Tenant: "flood"}})
	}
	for range 100 {
		q.serve(q.next(leftOut{}))
	}
	polite := &messages.StartTurn{Spec: &messages.TurnSpec{Tenant: "polite"}}
	l := q.push("x", polite)
	if inLine, inAll := q.ahead(l, polite); inLine != 1 || inAll != 1 {
		t.Errorf("%d and %d are ahead", inLine, inAll)
	}
	first, second := q.serve(q.next(leftOut{})), q.serve(q.next(leftOut{}))
	if first != polite && second != polite {
		t.Error("it waits behind the flood")
	}
}

// A class is passed over so often, and then it is its turn.
func TestLowerClassesAreNotStarved(t *testing.T) {
	t.Parallel()
	var q queue
	for class := range messages.Priorities {
		for range 1000 {
			q.push("x", &messages.StartTurn{Spec: &messages.TurnSpec{Tenant: "t", Priority: messages.Priority(class)}})
		}
	}
	var got [messages.Priorities]int
	for range 900 {
		got[q.serve(q.next(leftOut{})).Spec.Priority]++
	}
	if got[1] < 900/(patience+2)-1 || got[2] < 900/(patience+2)-1 || got[0] < 780 {
		t.Errorf("of 900 places the classes got %v", got)
	}
}

// Accounts of tenants that do not wait are closed, however many there are.
func TestAccountsAreBounded(t *testing.T) {
	t.Parallel()
	var q queue
	q.push("x", &messages.StartTurn{Spec: &messages.TurnSpec{Tenant: "always"}}) // so that somebody waits all the time
	for i := range 10_000 {
		q.push("x", &messages.StartTurn{Spec: &messages.TurnSpec{Tenant: "always"}})
		q.push("x", &messages.StartTurn{Spec: &messages.TurnSpec{Tenant: messages.TenantID(fmt.Sprint(i))}})
		q.serve(q.next(leftOut{}))
		q.serve(q.next(leftOut{}))
		if n := len(q.classes[0].accounts); n > 2*manyAccounts || n == 0 {
			t.Fatalf("%d accounts", n)
		}
	}
}

func BenchmarkQueueOfAThousandTenants(b *testing.B) {
	var q queue
	turns := make([]*messages.StartTurn, 1000)
	for i := range turns {
		turns[i] = &messages.StartTurn{Spec: &messages.TurnSpec{Tenant: messages.TenantID(fmt.Sprint(i))}}
		q.push("x", turns[i])
	}
	for b.Loop() {
		q.push("x", q.serve(q.next(leftOut{})))
	}
}
