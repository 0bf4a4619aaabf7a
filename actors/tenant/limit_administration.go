package tenant

import (
	"context"
	"fmt"
	"slices"

	"example.com/parley/messages"
)

// LimitKeeper keeps the limits that operators set, and changes them. Both stores
// implement it.
type LimitKeeper interface {
	LimitStore
	// SetLimit fails with CodeItemAbsent where there is no such tenant or key.
	SetLimit(ctx context.Context, l messages.Limit) error
	// ClearLimit fails with CodeItemAbsent where nothing is set.
	ClearLimit(ctx context.Context, of messages.LimitHolder) error
	Tenant(ctx context.Context, id messages.TenantID) (messages.Tenant, error)
	Key(ctx context.Context, id messages.KeyID) (messages.APIKey, error)
}

// LimitAdministration sets and lists limits. It is safe for concurrent use.
type LimitAdministration struct {
	store      LimitKeeper
	cfg        LimitConfig
	weights    map[string]int // of tenants, as the configuration has them
	mostWeight int
}

// NewLimitAdministration works on the store. What nobody set is as the configuration
// has it; a weight is at most mostWeight.
func NewLimitAdministration(store LimitKeeper, cfg LimitConfig, weights map[string]int, mostWeight int) *LimitAdministration {
	return &LimitAdministration{store: store, cfg: cfg, weights: weights, mostWeight: mostWeight}
}

// Limits lists what was set for a tenant, its keys and its models, or for all
// tenants where none is named.
func (a *LimitAdministration) Limits(ctx context.Context, tenant messages.TenantID) ([]messages.LimitState, error) {
	set, err := a.store.Limits(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the limits: %w", err)
	}
	var states []messages.LimitState
	for i := range set {
		if tenant == "" || set[i].Tenant == tenant {
			states = append(states, a.state(set[i]))
		}
	}
	return states, nil
}

// Limit returns what was set for a holder, if anything, and what holds. A key needs
// no tenant.
func (a *LimitAdministration) Limit(ctx context.Context, of messages.LimitHolder) (messages.LimitState, error) {
	of, err := a.find(ctx, of)
	if err != nil {
		return messages.LimitState{}, err
	}
	set, err := a.store.Limits(ctx)
	if err != nil {
		return messages.LimitState{}, fmt.Errorf("read the limits of %s: %w", of.Tenant, err)
	}
	limit := messages.Limit{LimitHolder: of}
	if i := slices.IndexFunc(set, func(l messages.Limit) bool { return l.LimitHolder == of }); i >= 0 {
		limit = set[i]
	}
	return a.state(limit), nil
}

// SetLimit sets the limits of a holder, in place of those that were set before. They
// hold on every server within some seconds.
func (a *LimitAdministration) SetLimit(ctx context.Context, l messages.Limit) (messages.LimitState, error) {
	of, err := a.find(ctx, l.LimitHolder)
	if err != nil {
		return messages.LimitState{}, err
	}
	l.LimitHolder = of
	if err := a.check(&l); err != nil {
		return messages.LimitState{}, err
	}
	if err := a.store.SetLimit(ctx, l); err != nil {
		return messages.LimitState{}, fmt.Errorf("set the limits of %s: %w", of.Tenant, err)
	}
	return a.state(l), nil
}

// ClearLimit has a holder's limits be those of the configuration again.
func (a *LimitAdministration) ClearLimit(ctx context.Context, of messages.LimitHolder) (messages.LimitState, error) {
	of, err := a.find(ctx, of)
	if err != nil {
		return messages.LimitState{}, err
	}
	if err := a.store.ClearLimit(ctx, of); err != nil {
		return messages.LimitState{}, fmt.Errorf("clear the limits of %s: %w", of.Tenant, err)
	}
	return a.state(messages.Limit{LimitHolder: of}), nil
}

// find makes sure that there is such a holder, and completes its name.
func (a *LimitAdministration) find(ctx context.Context, of messages.LimitHolder) (messages.LimitHolder, error) {
	switch of.Scope {
	case messages.LimitTenant, messages.LimitModel:
		if of.Scope == messages.LimitModel && (of.Name == "" || len(of.Name) > maxListedName) {
			return of, invalid("model", "that is no name of a model", "give it as clients do")
		}
		_, err := a.store.Tenant(ctx, of.Tenant)
		return of, err
	case messages.LimitKey:
		key, err := a.store.Key(ctx, messages.KeyID(of.Name))
		if err == nil && key.Tenant == "" {
			err = invalid("key", "an admin key starts no turns that could be limited", "name a key of a tenant")
		}
		of.Tenant = key.Tenant
		return of, err
	default:
		return of, invalid("scope", "only tenants, keys and models have limits of their own", "set those of addresses in the section limits of the configuration")
	}
}

func (a *LimitAdministration) check(l *messages.Limit) error {
	if l.Limits == (messages.Limits{}) && l.Weight == 0 {
		return invalid("", "nothing is said of any limit", "set at least one, or clear what is set")
	}
	for r, n := range amountsOf(l.Limits) {
		if n < messages.NoLimit || n > maxRate {
			return invalid(resource(r).param(), fmt.Sprintf("%s is no limit", resource(r).param()), fmt.Sprintf("give a number up to %d, or none for no limit", maxRate)) // #nosec G115 -- one of five
		}
	}
	switch {
	case l.Weight == 0:
		return nil
	case l.Scope != messages.LimitTenant:
		return invalid("weight", "only a tenant has a weight", "leave it out")
	case l.Weight < 0 || l.Weight > a.mostWeight:
		return invalid("weight", "weight is out of bounds", fmt.Sprintf("give a number from 1 to %d", a.mostWeight))
	}
	return nil
}

// state adds what the configuration says.
func (a *LimitAdministration) state(l messages.Limit) messages.LimitState {
	state := messages.LimitState{Limit: l}
	if s, known := scopeOf(l.Scope); known {
		inForce := over(amountsOf(a.cfg.of(s).limits()), amountsOf(l.Limits))
		state.InForce = inForce.limits()
	}
	if l.Scope == messages.LimitTenant {
		state.Weighs = max(1, a.weights[string(l.Tenant)])
		if l.Weight > 0 {
			state.Weighs = l.Weight
		}
	}
	return state
}
