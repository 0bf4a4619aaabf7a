package relational

import (
	"net/url"
	"time"

	"example.com/parley/messages"
)

// tenantState is a tenant in the audit log.
type tenantState struct {
	Name      string     `json:"name"`
	Disabled  *time.Time `json:"disabled,omitempty"`
	MayRoute  bool       `json:"may_route"`
	Models    []string   `json:"models,omitempty"`
	Providers []string   `json:"providers,omitempty"`
}

func stateOfTenant(t messages.Tenant) tenantState {
	return tenantState{
		Name: t.Name, Disabled: moment(t.Disabled), MayRoute: t.MayRoute, Models: t.Allowance.Models, Providers: t.Allowance.Providers,
	}
}

// keyState is a key in the audit log, without its hashes.
type keyState struct {
	Role       messages.KeyRole  `json:"role"`
	Name       string            `json:"name,omitempty"`
	Expires    *time.Time        `json:"expires,omitempty"`
	Revoked    *time.Time        `json:"revoked,omitempty"`
	Scopes     []string          `json:"scopes,omitempty"`
	Models     []string          `json:"models,omitempty"`
	Providers  []string          `json:"providers,omitempty"`
	Class      messages.KeyClass `json:"class,omitempty"`
	OldExpires *time.Time        `json:"old_expires,omitempty"` // of the secret before the last rotation
}

func stateOfKey(k messages.APIKey) keyState {
	return keyState{
		Role: k.Role, Name: k.Name, Expires: moment(k.Expires), Revoked: moment(k.Revoked), Scopes: k.Scopes.Names(),
		Models: k.Allowance.Models, Providers: k.Allowance.Providers, OldExpires: moment(k.OldExpires), Class: k.Class,
	}
}

// moment is a time in the audit log; nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

// budgetState is a budget in the audit log, without its secret.
type budgetState struct {
	Key        messages.KeyID        `json:"key,omitempty"`
	Period     messages.BudgetPeriod `json:"period"`
	Limit      messages.NanoDollars  `json:"limit_nano_dollars"`
	Hard       bool                  `json:"hard"`
	Thresholds []int                 `json:"thresholds,omitempty"`
	Webhook    string                `json:"webhook,omitempty"`
}

func stateOfBudget(b messages.Budget) budgetState {
	return budgetState{Key: b.Key, Period: b.Period, Limit: b.Limit, Hard: b.Hard, Thresholds: b.Thresholds, Webhook: hostOf(b.Webhook)}
}

// hostOf is all of an address that is no secret.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// limitState is somebody's limits in the audit log. What is missing is as the
// configuration says, and 0 is no limit.
type limitState struct {
	Scope       messages.LimitScope `json:"scope"`
	Requests    *int64              `json:"requests_per_minute,omitempty"`
	Tokens      *int64              `json:"tokens_per_minute,omitempty"`
	Turns       *int64              `json:"concurrent,omitempty"`
	Connections *int64              `json:"connections,omitempty"`
	Messages    *int64              `json:"messages_per_minute,omitempty"`
	Weight      int                 `json:"weight,omitempty"`
}

func stateOfLimit(l *messages.Limit) limitState {
	set := &l.Limits
	return limitState{
		Scope: l.Scope, Requests: bound(set.Requests), Tokens: bound(set.Tokens), Turns: bound(set.Turns),
		Connections: bound(set.Connections), Messages: bound(set.Messages), Weight: l.Weight,
	}
}

func bound(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return new(max(n, 0))
}
