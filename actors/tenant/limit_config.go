package tenant

import (
	"errors"
	"fmt"

	"example.com/parley/messages"
)

// LimitConfig is the section "limits": what holds for everybody of whom an
// operator has said nothing else. What is 0 is not limited.
type LimitConfig struct {
	Tenant  LimitsConfig `koanf:"tenant"`  // of each tenant
	Key     LimitsConfig `koanf:"key"`     // of each key
	Model   LimitsConfig `koanf:"model"`   // of each tenant and model
	Address LimitsConfig `koanf:"address"` // of each client address, of IPv6 each /64
	// Nodes is how many servers are counted with at least that share Redis, when one
	// cannot reach it and goes by its part of each limit.
	Nodes int `koanf:"nodes"`
}

// LimitsConfig are the limits of one of these.
type LimitsConfig struct {
	Requests    int64 `koanf:"requests_per_minute"` // answers that are asked for, also those that the cache has
	Tokens      int64 `koanf:"tokens_per_minute"`   // input and output together; none for what the cache has
	Turns       int64 `koanf:"concurrent"`          // requests that are being answered at the same time
	Connections int64 `koanf:"connections"`         // WebSocket connections at the same time
	Messages    int64 `koanf:"messages_per_minute"` // over WebSocket
}

// DefaultLimitConfig limits nobody.
func DefaultLimitConfig() LimitConfig { return LimitConfig{Nodes: 1} }

// maxNodes bounds the nodes that share limits, so that parts of them are exact.
const maxNodes = 100

// Validate reports every fault at once.
func (c LimitConfig) Validate() error {
	var nodes error
	if c.Nodes < 0 || c.Nodes > maxNodes {
		nodes = fmt.Errorf("limits.nodes is %d: give a number from 1 to %d", c.Nodes, maxNodes)
	}
	return errors.Join(
		nodes, c.Tenant.validate("limits.tenant"), c.Key.validate("limits.key"), c.Model.validate("limits.model"), c.Address.validate("limits.address"),
	)
}

func (c LimitsConfig) validate(section string) error {
	var faults []error
	for _, key := range []struct {
		name  string
		value int64
	}{
		{"requests_per_minute", c.Requests}, {"tokens_per_minute", c.Tokens}, {"concurrent", c.Turns}, {"connections", c.Connections}, {"messages_per_minute", c.Messages},
	} {
		if key.value < 0 || key.value > maxRate {
			faults = append(faults, fmt.Errorf("%s.%s is %d: give a number up to %d, or 0 for no limit", section, key.name, key.value, maxRate))
		}
	}
	return errors.Join(faults...)
}

func (c LimitsConfig) limits() messages.Limits { return messages.Limits(c) }

// of is the section that holds for a scope.
func (c *LimitConfig) of(s scope) LimitsConfig {
	return [scopes]LimitsConfig{c.Tenant, c.Key, c.Model, c.Address}[s]
}

// amountsOf are limits by resource.
func amountsOf(l messages.Limits) (a amounts) {
	a[requests], a[tokens], a[socketMessages], a[turns], a[connections] = l.Requests, l.Tokens, l.Messages, l.Turns, l.Connections
	return a
}

// limits is the opposite of amountsOf.
func (a *amounts) limits() messages.Limits {
	return messages.Limits{Requests: a[requests], Tokens: a[tokens], Turns: a[turns], Connections: a[connections], Messages: a[socketMessages]}
}

// rules are the limits of everybody. They are immutable.
type rules struct {
	defaults [scopes]amounts
	stored   map[holderName]amounts // with the defaults in place of what they do not say
	scoped   [scopes]bool           // there is one in stored
	weights  map[messages.TenantID]int
}

// newRules returns the rules of a configuration and what operators set beside it.
func newRules(c *LimitConfig, stored []messages.Limit) *rules {
	r := &rules{stored: make(map[holderName]amounts, len(stored)), weights: make(map[messages.TenantID]int)}
	for s := range scope(scopes) {
		r.defaults[s] = amountsOf(c.of(s).limits())
	}
	for i := range stored {
		limit := &stored[i]
		s, known := scopeOf(limit.Scope)
		if !known { // of a later version
			continue
		}
		if limit.Limits != (messages.Limits{}) {
			r.stored[holderName{scope: s, tenant: limit.Tenant, name: limit.Name}] = over(r.defaults[s], amountsOf(limit.Limits))
			r.scoped[s] = true
		}
		if s == tenantScope && limit.Weight > 0 {
			r.weights[limit.Tenant] = limit.Weight
		}
	}
	return r
}

// over is what comes of limits of somebody's own before those of everybody.
func over(usual, own amounts) amounts {
	for i := range own {
		switch {
		case own[i] == 0:
			own[i] = usual[i]
		case own[i] < 0:
			own[i] = 0
		}
	}
	return own
}

// of are the limits of a holder, 0 for none, and whether a rule names it.
func (r *rules) of(name *holderName) (limits amounts, named bool) {
	if r.scoped[name.scope] {
		if own, ok := r.stored[*name]; ok {
			return own, true
		}
	}
	return r.defaults[name.scope], false
}
