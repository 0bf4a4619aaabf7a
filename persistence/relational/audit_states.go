package relational

import (
	"time"

	"example.com/parley/messages"
)

// tenantState is a tenant in the audit log.
type tenantState struct {
	Name     string `json:"name"`
	MayRoute bool   `json:"may_route"`
}

func stateOfTenant(t messages.Tenant) tenantState {
	return tenantState{Name: t.Name, MayRoute: t.MayRoute}
}

// keyState is a key in the audit log, without its hash.
type keyState struct {
	Role    messages.KeyRole `json:"role"`
	Name    string           `json:"name,omitempty"`
	Expires *time.Time       `json:"expires,omitempty"`
	Revoked *time.Time       `json:"revoked,omitempty"`
}

func stateOfKey(k messages.APIKey) keyState {
	return keyState{Role: k.Role, Name: k.Name, Expires: moment(k.Expires), Revoked: moment(k.Revoked)}
}

// moment is a time in the audit log; nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}
