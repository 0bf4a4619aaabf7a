package tenant

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"example.com/parley/messages"
)

func newLimiter(tb testing.TB, cfg LimitConfig, stored ...messages.Limit) *Limiter {
	tb.Helper()
	l, err := NewLimiter(cfg, LimiterDeps{Registerer: prometheus.NewRegistry()})
	if err != nil {
		tb.Fatal(err)
	}
	l.rules.Store(newRules(&l.cfg, stored))
	return l
}

// asked is a turn of the tenant acme, with one key and model.
func asked() *messages.StartTurn {
	return messages.NewStartTurn(context.Background(), messages.TurnSpec{
		Tenant: "acme", Key: "key-1", Model: "demo", Address: "192.0.2.1",
		Input: []messages.Item{messages.TextMessage(messages.RoleUser, "Hello!")},
	})
}

// refusedFor is how long a turn is refused; 0 for one that passes.
func refusedFor(tb testing.TB, l *Limiter, m *messages.StartTurn) time.Duration {
	tb.Helper()
	err := l.Enter(m)
	if err == nil {
		return 0
	}
	f := messages.AsFailure(err)
	if f.Code != messages.CodeRateLimited || f.RetryAfter <= 0 && !f.NoRetry || m.Limited != nil {
		tb.Fatalf("refused with %v after %s, and holds %v", f, f.RetryAfter, m.Limited)
	}
	return f.RetryAfter
}

func TestEachScopeIsLimited(t *testing.T) {
	t.Parallel()
	two := LimitsConfig{Requests: 2}
	for name, tt := range map[string]struct {
		cfg   LimitConfig
		other func(*messages.TurnSpec) // is not affected
	}{
		"tenant":          {LimitConfig{Tenant: two}, func(s *messages.TurnSpec) { s.Tenant = "other" }},
		"key":             {LimitConfig{Key: two}, func(s *messages.TurnSpec) { s.Key = "key-2" }},
		"model":           {LimitConfig{Model: two}, func(s *messages.TurnSpec) { s.Model = "other" }},
		"model of others": {LimitConfig{Model: two}, func(s *messages.TurnSpec) { s.Tenant = "other" }},
		"address":         {LimitConfig{Address: two}, func(s *messages.TurnSpec) { s.Address = "192.0.2.2" }},
		"no address":      {LimitConfig{Address: two}, func(s *messages.TurnSpec) { s.Address = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLimiter(t, tt.cfg)
				for range 2 {
					if wait := refusedFor(t, l, asked()); wait != 0 {
						t.Fatalf("refused for %s within the limit", wait)
					}
				}
				wait := refusedFor(t, l, asked())
				if wait != 30*time.Second {
					t.Fatalf("the third is refused for %s", wait)
				}
				other := asked()
				tt.other(other.Spec)
				if wait := refusedFor(t, l, other); wait != 0 {
					t.Errorf("another one is refused for %s", wait)
				}
				time.Sleep(wait)
				if wait := refusedFor(t, l, asked()); wait != 0 {
					t.Errorf("after the wait it is refused for %s", wait)
				}
			})
		})
	}
}

func TestAddressesOfOneIPv6NetworkAreOne(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, LimitConfig{Address: LimitsConfig{Requests: 1}})
	for address, passes := range map[string]bool{"2001:db8::1": true, "::ffff:192.0.2.7": true} {
		m := asked()
		m.Spec.Address = address
		if passes != (refusedFor(t, l, m) == 0) {
			t.Errorf("%s", address)
		}
	}
	for _, address := range []string{"2001:db8::2", "192.0.2.7"} {
		m := asked()
		m.Spec.Address = address
		if refusedFor(t, l, m) == 0 {
			t.Errorf("%s passes", address)
		}
	}
}

func TestRefusedTurnTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, LimitConfig{Tenant: LimitsConfig{Requests: 100, Tokens: 100_000, Turns: 100}, Model: LimitsConfig{Requests: 1}})
		first := asked()
		refusedFor(t, l, first)
		for range 200 {
			if refusedFor(t, l, asked()) == 0 {
				t.Fatal("the model's limit is not heeded")
			}
		}
		other := asked()
		other.Spec.Model = "other"
		if refusedFor(t, l, other) != 0 || other.Rates.Requests.Limit != 1 {
			t.Fatalf("refused, with %+v", other.Rates)
		}
		if left := first.Rates.Tokens.Remaining - other.Rates.Tokens.Remaining; left != expect(other.Spec) {
			t.Errorf("200 refused turns took %d tokens", left-expect(other.Spec))
		}
	})
}

func TestRatesAreTheTightest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, LimitConfig{Tenant: LimitsConfig{Requests: 600, Tokens: 60_000}, Key: LimitsConfig{Requests: 60}})
		m := asked()
		refusedFor(t, l, m)
		want := messages.Rates{
			Requests: messages.Rate{Limit: 60, Remaining: 59, Reset: time.Second},
			Tokens:   messages.Rate{Limit: 60_000, Remaining: 60_000 - expect(m.Spec), Reset: time.Duration(expect(m.Spec)) * time.Millisecond},
		}
		if m.Rates != want {
			t.Errorf("got %+v, want %+v", m.Rates, want)
		}
		for range 59 {
			refusedFor(t, l, asked())
		}
		refused := asked()
		if refusedFor(t, l, refused) != time.Second || refused.Rates.Requests != (messages.Rate{Limit: 60, Reset: time.Minute}) {
			t.Errorf("a refused turn has %+v", refused.Rates)
		}
	})
}

func TestTokensAreSettledWithWhatWasUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, LimitConfig{Tenant: LimitsConfig{Tokens: 6000}})
		for _, used := range []int{0, 10, 400, 3000} {
			m := asked()
			refusedFor(t, l, m)
			m.Settle(used)
			m.Settle(1_000_000) // does nothing
			after := asked()
			refusedFor(t, l, after)
			if want := int64(6000-used) - expect(after.Spec); after.Rates.Tokens.Remaining != want {
				t.Errorf("after %d tokens %d are left, want %d", used, after.Rates.Tokens.Remaining, want)
			}
			after.Settle(0)
			time.Sleep(time.Minute)
		}
		m := asked()
		refusedFor(t, l, m)
		m.Settle(12_000) // twice a minute's worth: for a minute there is nothing at all
		next := asked()
		if wait, want := refusedFor(t, l, next), time.Minute+time.Duration(expect(next.Spec))*10*time.Millisecond; wait != want || next.Rates.Tokens.Remaining != 0 {
			t.Errorf("refused for %s, want %s, with %d left", wait, want, next.Rates.Tokens.Remaining)
		}
	})
}

func TestExpectedOutputIsBoundedByWhatTheClientWants(t *testing.T) {
	t.Parallel()
	spec := asked().Spec
	plain := expect(spec)
	ten := 10
	spec.Options.MaxTokens = &ten
	if got := expect(spec); got != plain-typicalOutput+10 {
		t.Errorf("with 10 tokens of output it expects %d, without a bound %d", got, plain)
	}
	spec.Options.N = 3
	if got := expect(spec); got != plain-typicalOutput+30 {
		t.Errorf("for three choices it expects %d", got)
	}
	many := 100_000
	spec.Options.N, spec.Options.MaxTokens = 0, &many
	if got := expect(spec); got != plain {
		t.Errorf("with 100000 tokens it expects %d, without a bound %d", got, plain)
	}
}

func TestRequestAboveItsLimitIsNotToBeTriedAgain(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, LimitConfig{Tenant: LimitsConfig{Tokens: 100}})
	if f := messages.AsFailure(l.Enter(asked())); f.Code != messages.CodeRateLimited || !f.NoRetry {
		t.Errorf("got %v", f)
	}
}

func TestConcurrencyIsGivenBack(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, LimitConfig{Key: LimitsConfig{Turns: 1}})
	for range 100 {
		m := asked()
		if refusedFor(t, l, m) != 0 {
			t.Fatal("the only one is refused")
		}
		if refusedFor(t, l, asked()) != time.Second {
			t.Fatal("a second one passes")
		}
		m.Leave()
	}
}

func TestWebSocketsAreLimited(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, LimitConfig{Tenant: LimitsConfig{Connections: 1, Messages: 2}})
	use := messages.LimitUse{Tenant: "acme"}
	held, err := l.Connect(use)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Connect(use); messages.CodeOf(err) != messages.CodeRateLimited {
		t.Errorf("a second connection: %v", err)
	}
	for i, passes := range []bool{true, true, false} {
		if err := l.Message(use); passes != (err == nil) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	held.Settle(0)
	if _, err := l.Connect(use); err != nil {
		t.Errorf("after the first has gone: %v", err)
	}
}

func TestRulesOfOperatorsComeBeforeTheConfiguration(t *testing.T) {
	t.Parallel()
	l := newLimiter(
		t, LimitConfig{Tenant: LimitsConfig{Requests: 10, Turns: 5}, Key: LimitsConfig{Requests: 10}},
		messages.Limit{LimitHolder: messages.LimitHolder{Tenant: "acme", Scope: messages.LimitTenant}, Limits: messages.Limits{Requests: 20}},
		messages.Limit{LimitHolder: messages.LimitHolder{Tenant: "acme", Scope: messages.LimitKey, Name: "key-1"}, Limits: messages.Limits{Requests: messages.NoLimit}},
		messages.Limit{LimitHolder: messages.LimitHolder{Tenant: "acme", Scope: "galaxy"}, Limits: messages.Limits{Requests: 1}},
	)
	for name, want := range map[holderName]amounts{
		{scope: tenantScope, tenant: "acme"}:                {requests: 20, turns: 5},
		{scope: tenantScope, tenant: "other"}:               {requests: 10, turns: 5},
		{scope: keyScope, tenant: "acme", name: "key-1"}:    {},
		{scope: keyScope, tenant: "acme", name: "key-2"}:    {requests: 10},
		{scope: modelScope, tenant: "acme", name: "a-name"}: {},
	} {
		if got, _ := l.rules.Load().of(&name); got != want {
			t.Errorf("%+v has %v, want %v", name, got, want)
		}
	}
}

func TestChangedLimitBeginsFull(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, LimitConfig{Tenant: LimitsConfig{Requests: 1, Turns: 1}})
	running := asked()
	refusedFor(t, l, running)
	more := messages.Limit{LimitHolder: messages.LimitHolder{Tenant: "acme", Scope: messages.LimitTenant}, Limits: messages.Limits{Requests: 5, Turns: 2}}
	l.rules.Store(newRules(&l.cfg, []messages.Limit{more}))
	next := asked()
	if refusedFor(t, l, next) != 0 || next.Rates.Requests.Remaining != 4 {
		t.Fatalf("got %+v", next.Rates)
	}
	if refusedFor(t, l, asked()) == 0 {
		t.Error("a third one runs: those from before the change are forgotten")
	}
	running.Leave()
	if refusedFor(t, l, asked()) != 0 {
		t.Error("a place that was given back stays taken")
	}
}

func TestModelsOfOneTenantAreBounded(t *testing.T) {
	t.Parallel()
	l := newLimiter(
		t, LimitConfig{Model: LimitsConfig{Requests: 2}},
		messages.Limit{LimitHolder: messages.LimitHolder{Tenant: "acme", Scope: messages.LimitModel, Name: "named"}, Limits: messages.Limits{Requests: 1}},
	)
	for i := range maxModels + 500 {
		m := asked()
		m.Spec.Model = fmt.Sprint("made-up-", i)
		_ = l.Enter(m)
	}
	if n := l.holders.len(); n != maxModels+1 {
		t.Errorf("%d are counted apart", n)
	}
	m := asked()
	m.Spec.Model = "one more"
	if refusedFor(t, l, m) == 0 {
		t.Error("those that are one too many do not count as one")
	}
	for _, passes := range []bool{true, false} {
		m := asked()
		m.Spec.Model = "named"
		if passes != (refusedFor(t, l, m) == 0) {
			t.Error("a model that a rule names is mixed up with others")
		}
	}
}

func TestAddressesAreBounded(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, LimitConfig{Address: LimitsConfig{Requests: 1}})
	for i := range 2 * holderParts * maxAddresses {
		m := asked()
		m.Spec.Address = fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		if err := l.Enter(m); err != nil {
			t.Fatal(err)
		}
		m.Leave()
	}
	if n := l.holders.len(); n > holderParts*maxAddresses {
		t.Errorf("%d are counted", n)
	}
}

func TestSweepForgetsWhoIsAsNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, LimitConfig{Tenant: LimitsConfig{Requests: 60, Tokens: 6000}, Model: LimitsConfig{Turns: 5}})
		m := asked()
		refusedFor(t, l, m)
		time.Sleep(time.Hour)
		l.sweep()
		if n := l.holders.len(); n != 2 {
			t.Errorf("%d are left while a turn runs", n)
		}
		m.Settle(6000)
		l.sweep()
		if n := l.holders.len(); n != 1 {
			t.Errorf("%d are left while a bucket is not full", n)
		}
		time.Sleep(time.Minute)
		l.sweep()
		if n := l.holders.len(); n != 0 {
			t.Errorf("%d are left", n)
		}
		if len(l.holders.parts[0].models) != 0 {
			t.Error("its models still count")
		}
		if m := asked(); refusedFor(t, l, m) != 0 || m.Rates.Requests.Remaining != 59 {
			t.Errorf("afterwards: %+v", m.Rates)
		}
	})
}

// Many ask, leave and are swept at the same time: never more run than may, and in
// the end nobody holds anything.
func TestLimiterCountsWhoeverComesAtTheSameTime(t *testing.T) {
	t.Parallel()
	const most, many = 7, 16
	l := newLimiter(t, LimitConfig{Tenant: LimitsConfig{Turns: most, Requests: 3000}, Key: LimitsConfig{Turns: most - 2, Tokens: maxRate}})
	var running, passed atomic.Int64
	stop := make(chan struct{})
	var sweeper, callers sync.WaitGroup
	sweeper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				l.sweep()
			}
		}
	})
	begun := time.Now()
	for i := range many {
		callers.Go(func() {
			for range 2000 {
				m := asked()
				m.Spec.Key = messages.KeyID(fmt.Sprint("key-", i%2))
				if l.Enter(m) != nil {
					continue
				}
				passed.Add(1)
				if now := running.Add(1); now > most {
					t.Errorf("%d run", now)
				}
				running.Add(-1)
				m.Settle(i)
			}
		})
	}
	callers.Wait()
	close(stop)
	sweeper.Wait()
	if most := 3000 + int64(time.Since(begun).Seconds()*50) + 1; passed.Load() > most {
		t.Errorf("%d passed, and %d may", passed.Load(), most)
	}
	l.holders.each(func(h *holder) {
		if h.holds != 0 || h.gauges[0].used != 0 {
			t.Errorf("%+v: %d holds, %d run", h.name, h.holds, h.gauges[0].used)
		}
	})
}

// plainLimiter decides with a plain model: lists of what was taken when.
type plainLimiter struct {
	limits  map[string]amounts // by a holder's name
	buckets map[string]*[refilled]*plainBucket
	used    map[string]int64
}

func (p *plainLimiter) enter(names []string, wanted amounts, now int64) bool {
	for _, name := range names {
		limits := p.limits[name]
		if p.buckets[name] == nil {
			p.buckets[name] = &[refilled]*plainBucket{}
			for r := range p.buckets[name] {
				p.buckets[name][r] = newPlainBucket(limits[r])
				p.buckets[name][r].at = now
			}
		}
		for r, b := range p.buckets[name] {
			b.fill(now)
			if limits[r] > 0 && !b.has(wanted[r]) {
				return false
			}
		}
		if limits[turns] > 0 && p.used[name]+1 > limits[turns] {
			return false
		}
	}
	for _, name := range names {
		p.give(name, wanted, -1)
	}
	return true
}

func (p *plainLimiter) give(name string, given amounts, sign int64) {
	for r, b := range p.buckets[name] {
		b.add(new(big.Rat).SetInt64(sign * given[r]))
	}
	p.used[name] -= sign * given[turns]
}

func TestLimiterDecidesAsAPlainModelDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, compareWithPlainModel)
}

func compareWithPlainModel(t *rapid.T) {
	limit := rapid.SampledFrom([]int64{0, 0, 1, 3, 50})
	section := func(name string) LimitsConfig {
		return LimitsConfig{Requests: limit.Draw(t, name), Tokens: limit.Draw(t, name) * 1000, Turns: limit.Draw(t, name)}
	}
	cfg := LimitConfig{Tenant: section("tenant"), Key: section("key"), Model: section("model"), Address: section("address")}
	l, err := NewLimiter(cfg, LimiterDeps{Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	now := int64(0)
	l.clock = func() int64 { return now }
	plain := &plainLimiter{limits: make(map[string]amounts), buckets: make(map[string]*[refilled]*plainBucket), used: make(map[string]int64)}
	running := make(map[*messages.StartTurn]struct {
		names  []string
		wanted amounts
	})
	for range rapid.IntRange(1, 50).Draw(t, "steps") {
		now += rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, 2*time.Minute.Microseconds())).Draw(t, "pause")
		if rapid.IntRange(0, 9).Draw(t, "sweep") == 0 {
			l.sweep()
		}
		if len(running) > 0 && rapid.Bool().Draw(t, "end") {
			for m := range maps.Keys(running) {
				used := rapid.IntRange(0, 3000).Draw(t, "used")
				for _, name := range running[m].names {
					plain.buckets[name][tokens].fill(now)
					plain.buckets[name][requests].fill(now)
					back := amounts{tokens: running[m].wanted[tokens] - int64(used), turns: 1}
					plain.give(name, back, 1)
				}
				m.Settle(used)
				delete(running, m)
				break
			}
			continue
		}
		m := asked()
		m.Spec.Key = messages.KeyID(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key"))
		m.Spec.Model = rapid.SampledFrom([]string{"x", "y"}).Draw(t, "model")
		m.Spec.Address = rapid.SampledFrom([]string{"192.0.2.1", "192.0.2.2", ""}).Draw(t, "address")
		names := []string{"tenant", "key " + string(m.Spec.Key), "model " + m.Spec.Model}
		sections := []LimitsConfig{cfg.Tenant, cfg.Key, cfg.Model}
		if m.Spec.Address != "" {
			names, sections = append(names, "address "+m.Spec.Address), append(sections, cfg.Address)
		}
		for i, name := range names {
			plain.limits[name] = amountsOf(sections[i].limits())
		}
		wanted := amounts{requests: 1, turns: 1, tokens: expect(m.Spec)}
		want := plain.enter(names, wanted, now)
		if err := l.Enter(m); (err == nil) != want {
			t.Fatalf("the limiter says %v, and the model %v", err, want)
		}
		if want {
			running[m] = struct {
				names  []string
				wanted amounts
			}{names, wanted}
		}
	}
}

func TestEnterAllocatesNothing(t *testing.T) {
	l, m := measured(t)
	if n := testing.AllocsPerRun(1000, func() { pass(t, l, m) }); n != 0 {
		t.Errorf("a turn within its limits takes %v allocations", n)
	}
}

func BenchmarkEnter(b *testing.B) {
	l, m := measured(b)
	b.ReportAllocs()
	for b.Loop() {
		pass(b, l, m)
	}
}

func BenchmarkEnterWithoutLimits(b *testing.B) {
	_, m := measured(b)
	l := newLimiter(b, LimitConfig{})
	b.ReportAllocs()
	for b.Loop() {
		pass(b, l, m)
	}
}

func BenchmarkEnterParallel(b *testing.B) {
	l, _ := measured(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		m := asked()
		for pb.Next() {
			pass(b, l, m)
		}
	})
}

// measured is a limiter with limits of all scopes and of all that turns use, and a
// turn that has been seen.
func measured(tb testing.TB) (*Limiter, *messages.StartTurn) {
	tb.Helper()
	all := LimitsConfig{Requests: maxRate, Tokens: maxRate, Turns: maxRate}
	l := newLimiter(
		tb, LimitConfig{Tenant: all, Key: all, Model: all, Address: all},
		messages.Limit{LimitHolder: messages.LimitHolder{Tenant: "acme", Scope: messages.LimitTenant}, Limits: messages.Limits{Requests: maxRate - 1}},
	)
	m := asked()
	pass(tb, l, m)
	return l, m
}

func pass(tb testing.TB, l *Limiter, m *messages.StartTurn) {
	if err := l.Enter(m); err != nil {
		tb.Fatal(err)
	}
	m.Settle(0)
}
