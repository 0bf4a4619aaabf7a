package tenant

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// rulebook is a store of limits in memory, with the tenant acme and its key k1.
type rulebook struct {
	mu      sync.Mutex
	version uint64
	set     []messages.Limit
	away    error
}

func (b *rulebook) Limits(context.Context) ([]messages.Limit, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.set), b.away
}

func (b *rulebook) LimitsVersion(context.Context) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.version, b.away
}

func (b *rulebook) SetLimit(_ context.Context, l messages.Limit) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version++
	b.set = append(slices.DeleteFunc(b.set, func(o messages.Limit) bool { return o.LimitHolder == l.LimitHolder }), l)
	return b.away
}

func (b *rulebook) ClearLimit(_ context.Context, of messages.LimitHolder) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version++
	b.set = slices.DeleteFunc(b.set, func(o messages.Limit) bool { return o.LimitHolder == of })
	return b.away
}

func (b *rulebook) Tenant(_ context.Context, id messages.TenantID) (messages.Tenant, error) {
	if id != "acme" {
		return messages.Tenant{}, &messages.Failure{Code: messages.CodeItemAbsent, What: "no such tenant"}
	}
	return messages.Tenant{ID: id}, nil
}

func (b *rulebook) Key(_ context.Context, id messages.KeyID) (messages.APIKey, error) {
	switch id {
	case "k1":
		return messages.APIKey{ID: id, Tenant: "acme"}, nil
	case "admin":
		return messages.APIKey{ID: id, Role: messages.KeyAdmin}, nil
	default:
		return messages.APIKey{}, &messages.Failure{Code: messages.CodeInvalidKey, What: "no such key"}
	}
}

var (
	acme    = messages.LimitHolder{Tenant: "acme", Scope: messages.LimitTenant}
	acmeKey = messages.LimitHolder{Scope: messages.LimitKey, Name: "k1"}
)

func newLimitAdministration(store LimitKeeper) *LimitAdministration {
	cfg := LimitConfig{Tenant: LimitsConfig{Requests: 100, Turns: 5}, Key: LimitsConfig{Tokens: 9}}
	return NewLimitAdministration(store, cfg, map[string]int{"acme": 4}, 1000)
}

func TestLimitThatIsSetComesBeforeTheConfiguration(t *testing.T) {
	t.Parallel()
	a := newLimitAdministration(&rulebook{})
	usual, err := a.Limit(t.Context(), acme)
	if want := (messages.LimitState{Limit: messages.Limit{LimitHolder: acme}, InForce: messages.Limits{Requests: 100, Turns: 5}, Weighs: 4}); err != nil || usual != want {
		t.Errorf("at first: %+v, %v", usual, err)
	}
	own := messages.Limits{Requests: messages.NoLimit, Tokens: 7}
	if _, err := a.SetLimit(t.Context(), messages.Limit{LimitHolder: acme, Limits: own, Weight: 2}); err != nil {
		t.Fatal(err)
	}
	set, err := a.Limit(t.Context(), acme)
	if err != nil || set.Limits != own || set.InForce != (messages.Limits{Tokens: 7, Turns: 5}) || set.Weighs != 2 {
		t.Errorf("once it is set: %+v, %v", set, err)
	}
	key, err := a.SetLimit(t.Context(), messages.Limit{LimitHolder: acmeKey, Limits: messages.Limits{Turns: 1}})
	if err != nil || key.Tenant != "acme" || key.InForce != (messages.Limits{Tokens: 9, Turns: 1}) || key.Weighs != 0 {
		t.Errorf("of a key: %+v, %v", key, err)
	}
	if all, err := a.Limits(t.Context(), "acme"); err != nil || len(all) != 2 {
		t.Errorf("all: %+v, %v", all, err)
	}
	if none, err := a.Limits(t.Context(), "other"); err != nil || len(none) != 0 {
		t.Errorf("of another: %+v, %v", none, err)
	}
	if after, err := a.ClearLimit(t.Context(), acme); err != nil || after != usual {
		t.Errorf("once it is cleared: %+v, %v", after, err)
	}
}

func TestLimitsThatCannotBeSet(t *testing.T) {
	t.Parallel()
	a := newLimitAdministration(&rulebook{})
	model := messages.LimitHolder{Tenant: "acme", Scope: messages.LimitModel, Name: "m"}
	one := messages.Limits{Requests: 1}
	for name, tt := range map[string]struct {
		limit messages.Limit
		code  messages.Code
		param string
	}{
		"nothing":              {messages.Limit{LimitHolder: acme}, messages.CodeInvalidRequest, ""},
		"below none":           {messages.Limit{LimitHolder: acme, Limits: messages.Limits{Tokens: -2}}, messages.CodeInvalidRequest, "tokens_per_minute"},
		"too many":             {messages.Limit{LimitHolder: acme, Limits: messages.Limits{Turns: maxRate + 1}}, messages.CodeInvalidRequest, "concurrent"},
		"a key's weight":       {messages.Limit{LimitHolder: acmeKey, Weight: 1}, messages.CodeInvalidRequest, "weight"},
		"a weight too large":   {messages.Limit{LimitHolder: acme, Weight: 1001}, messages.CodeInvalidRequest, "weight"},
		"a model without name": {messages.Limit{LimitHolder: messages.LimitHolder{Tenant: "acme", Scope: messages.LimitModel}, Limits: one}, messages.CodeInvalidRequest, "model"},
		"a long name":          {messages.Limit{LimitHolder: messages.LimitHolder{Tenant: "acme", Scope: messages.LimitModel, Name: strings.Repeat("m", 257)}, Limits: one}, messages.CodeInvalidRequest, "model"},
		"an admin key":         {messages.Limit{LimitHolder: messages.LimitHolder{Scope: messages.LimitKey, Name: "admin"}, Limits: one}, messages.CodeInvalidRequest, "key"},
		"an address":           {messages.Limit{LimitHolder: messages.LimitHolder{Scope: messages.LimitAddress, Name: "192.0.2.1"}, Limits: one}, messages.CodeInvalidRequest, "scope"},
		"no such tenant":       {messages.Limit{LimitHolder: messages.LimitHolder{Tenant: "nobody", Scope: messages.LimitTenant}, Limits: one}, messages.CodeItemAbsent, ""},
		"no such key":          {messages.Limit{LimitHolder: messages.LimitHolder{Scope: messages.LimitKey, Name: "nobody"}, Limits: one}, messages.CodeInvalidKey, ""},
	} {
		_, err := a.SetLimit(t.Context(), tt.limit)
		if f := messages.AsFailure(err); f.Code != tt.code || f.Param != tt.param {
			t.Errorf("%s: %v", name, err)
		}
	}
	if state, err := a.SetLimit(t.Context(), messages.Limit{LimitHolder: model, Limits: one}); err != nil || state.InForce != one {
		t.Errorf("a model's: %+v, %v", state, err)
	}
}

func TestChangedLimitHoldsOnEveryServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &rulebook{version: 1}
		servers := []*Limiter{newLimiter(t, LimitConfig{}), newLimiter(t, LimitConfig{})}
		ctx, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		for _, l := range servers {
			done.Go(func() { _ = l.Follow(ctx, store, prometheus.NewRegistry()) })
		}
		refuse := func(want bool) {
			t.Helper()
			for i, l := range servers {
				m := asked()
				if err := l.Enter(m); want != (err != nil) {
					t.Errorf("server %d: %v", i, err)
				}
			}
		}
		for range 3 {
			refuse(false)
		}
		a := newLimitAdministration(store)
		if _, err := a.SetLimit(ctx, messages.Limit{LimitHolder: acme, Limits: messages.Limits{Requests: 1}, Weight: 7}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(limitInterval + time.Millisecond)
		refuse(false)
		refuse(true)
		m := asked()
		if _ = servers[1].Enter(m); m.Weight != 7 {
			t.Errorf("its weight is %d", m.Weight)
		}
		store.mu.Lock()
		store.away = context.DeadlineExceeded
		store.mu.Unlock()
		time.Sleep(3 * time.Second)
		refuse(true) // as it was
		store.mu.Lock()
		store.away = nil
		store.mu.Unlock()
		if _, err := a.ClearLimit(ctx, acme); err != nil {
			t.Fatal(err)
		}
		time.Sleep(limitInterval + time.Millisecond)
		refuse(false)
		refuse(false)
		stop()
		done.Wait()
	})
}
