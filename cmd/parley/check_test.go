package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/actortest"
	"example.com/parley/actors/budget"
	"example.com/parley/actors/tenant"
	"example.com/parley/messages"
	"example.com/parley/persistence/redis"
)

// noRows is a ledger that writes nothing down: its disk is not what is measured.
type noRows struct{}

func (noRows) Reserve(context.Context, messages.Reservation) error { return nil }
func (noRows) Settle(context.Context, messages.UsageRow) error     { return nil }
func (noRows) Release(messages.TenantID, messages.TurnID, int)     {}

// checks are what a request passes before it is worked on: its key, all its limits,
// and a hard budget of its tenant and of its key each.
type checks struct {
	tb      testing.TB
	keys    *tenant.Keys
	limits  *tenant.Limiter
	ledger  *budget.Ledger
	key     string
	turn    *messages.StartTurn
	attempt messages.Reservation
}

// newChecks has all of it in memory, over a store of its own. It shares limits where
// a Redis is named.
func newChecks(tb testing.TB, redisURL string) *checks {
	tb.Helper()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	ctx, registry := tb.Context(), prometheus.NewRegistry()
	store := DefaultStoreConfig()
	store.SQLite.Path = filepath.Join(tb.TempDir(), "parley.db")
	kept, err := openStore(ctx, store, "", registry, slog.New(slog.DiscardHandler))
	must(err)
	tb.Cleanup(kept.Close)
	administration := tenant.NewAdministration(kept)
	team, err := administration.CreateTenant(ctx, messages.Tenant{Name: "team"})
	must(err)
	key, secret, err := administration.CreateKey(ctx, tenant.KeySpec{Tenant: team.ID, Role: messages.KeyMember})
	must(err)
	for _, of := range []messages.KeyID{"", key.ID} {
		_, _, err = budget.NewAdministration(kept).SetBudget(ctx, messages.Budget{Tenant: team.ID, Key: of, Period: messages.BudgetTotal, Limit: 1e15, Hard: true})
		must(err)
	}

	c := &checks{tb: tb, key: secret.Reveal()}
	c.keys, err = tenant.New(tenant.DefaultConfig(), tenant.Deps{Store: kept, Registerer: registry})
	must(err)
	const plenty = 1_000_000_000
	all := tenant.LimitsConfig{Requests: plenty, Tokens: plenty, Turns: plenty}
	deps := tenant.LimiterDeps{Registerer: registry}
	if redisURL != "" {
		cfg := redis.DefaultConfig()
		cfg.URL, cfg.Prefix = redisURL, "test-"+rand.Text()
		shares, err := redis.OpenLimits(cfg)
		must(err)
		tb.Cleanup(func() { _ = shares.Close() })
		deps.Shares = shares
	}
	c.limits, err = tenant.NewLimiter(tenant.LimitConfig{Tenant: all, Key: all, Model: all, Address: all}, deps)
	must(err)
	charge := func(messages.Target, messages.Usage, time.Time) messages.Charge {
		return messages.Charge{Cost: 100, Known: true}
	}
	budgets, err := budget.Open(ctx, budget.DefaultConfig(), budget.Deps{Store: kept, Charge: charge, Node: "node", Registerer: registry, Log: slog.New(slog.DiscardHandler)})
	must(err)
	c.ledger = budget.NewLedger(budgets, noRows{})
	system := actortest.NewSystem(tb)
	actortest.Spawn(tb, system, c.keys.Props())
	actortest.Spawn(tb, system, budgets.Props())
	sharing, stop := context.WithCancel(context.Background())
	shared := make(chan struct{})
	go func() {
		defer close(shared)
		_ = c.limits.Share(sharing)
	}()
	tb.Cleanup(func() {
		stop()
		<-shared
	})

	id := messages.FirstTurnID(time.Now())
	c.turn = messages.NewStartTurn(ctx, messages.TurnSpec{
		ID: id, Tenant: team.ID, Key: key.ID, Model: "acme/fast", Address: "192.0.2.1", Input: []messages.Item{messages.TextMessage(messages.RoleUser, "Why does it do that?")},
	})
	c.attempt = messages.Reservation{Row: messages.UsageRow{Tenant: team.ID, Key: key.ID, Request: id, Attempt: 1}}
	deadline := time.Now().Add(2 * time.Second) // by then all of it is in memory: the first look for changes forgets what was known before
	for last := error(nil); last != nil || time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if last = c.pass(); last != nil && time.Now().After(deadline.Add(10*time.Second)) {
			tb.Fatal(last)
		}
	}
	return c
}

// pass checks the request, and has it end at once.
func (c *checks) pass() error {
	ctx := context.Background()
	if _, err := c.keys.Authenticate(ctx, c.key); err != nil {
		return err
	}
	if err := c.limits.Enter(c.turn); err != nil {
		return err
	}
	defer c.turn.Settle(0)
	if err := c.ledger.Reserve(ctx, c.attempt); err != nil {
		return err
	}
	c.ledger.Release(&c.attempt.Row)
	return nil
}

// must is pass where nothing can be in its way.
func (c *checks) must() {
	if err := c.pass(); err != nil {
		c.tb.Fatal(err)
	}
}

func TestChecksOfARequestAllocateNothing(t *testing.T) {
	for name, at := range map[string]string{"alone": "", "sharing limits": redisURL(t)} {
		c := newChecks(t, at)
		if n := testing.AllocsPerRun(1000, c.must); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkChecksOfARequest is the key, twelve limits of four scopes, and two hard
// budgets, with what the end of the request gives back.
func BenchmarkChecksOfARequest(b *testing.B) {
	for name, at := range map[string]string{"alone": "", "sharing limits": redisURL(b)} {
		b.Run(name, func(b *testing.B) {
			c := newChecks(b, at)
			b.ReportAllocs()
			for b.Loop() {
				c.must()
			}
		})
	}
}
