package admin_test

import (
	"context"
	"strings"
	"testing"

	"example.com/parley/messages"
)

// ceiling has limits of one tenant with one key.
type ceiling struct{}

func (ceiling) Limits(_ context.Context, tenant messages.TenantID) ([]messages.LimitState, error) {
	return []messages.LimitState{{
		Limit:   messages.Limit{LimitHolder: messages.LimitHolder{Tenant: tenant, Scope: messages.LimitTenant}, Limits: messages.Limits{Requests: 600, Turns: messages.NoLimit}, Weight: 3},
		InForce: messages.Limits{Requests: 600, Tokens: 1000}, Weighs: 3,
	}}, nil
}

func (ceiling) Limit(_ context.Context, of messages.LimitHolder) (messages.LimitState, error) {
	switch {
	case of.Scope == messages.LimitKey && of.Name != "k1":
		return messages.LimitState{}, &messages.Failure{Code: messages.CodeInvalidKey, What: "there is no such key"}
	case of.Scope == messages.LimitKey:
		of.Tenant = "t1"
	case of.Tenant != "t1":
		return messages.LimitState{}, &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no such tenant"}
	}
	return messages.LimitState{Limit: messages.Limit{LimitHolder: of}}, nil
}

func (c ceiling) SetLimit(ctx context.Context, l messages.Limit) (messages.LimitState, error) {
	state, err := c.Limit(ctx, l.LimitHolder)
	if err == nil && l.Limits.Tokens < messages.NoLimit {
		err = &messages.Failure{Code: messages.CodeInvalidRequest, What: "that is no limit", Param: "tokens_per_minute"}
	}
	state.Limits, state.Weight = l.Limits, l.Weight
	return state, err
}

func (c ceiling) ClearLimit(ctx context.Context, of messages.LimitHolder) (messages.LimitState, error) {
	if of.Name == "unset" {
		return messages.LimitState{}, &messages.Failure{Code: messages.CodeItemAbsent, What: "nothing is set"}
	}
	return c.Limit(ctx, of)
}

func TestLimitsAreSetShownAndCleared(t *testing.T) {
	t.Parallel()
	url := serve(t, &office{})
	const unset = `"requests_per_minute":null,"tokens_per_minute":null,"concurrent":null,"connections":null,"messages_per_minute":null`
	for _, tt := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"GET", "/limits?tenant=t1", "", 200, `"scope":"tenant","requests_per_minute":600,"tokens_per_minute":null,"concurrent":0,"connections":null,"messages_per_minute":null,"weight":3,` +
			`"in_force":{"requests_per_minute":600,"tokens_per_minute":1000,"concurrent":0,"connections":0,"messages_per_minute":0,"weight":3}}`},
		{"GET", "/tenants/t1/limits", "", 200, `{"object":"limit","tenant":"t1","scope":"tenant",` + unset},
		{"GET", "/tenants/t2/limits", "", 404, "item_not_found"},
		{"PUT", "/tenants/t1/limits", `{"requests_per_minute":60,"concurrent":0,"weight":2}`, 200, `"requests_per_minute":60,"tokens_per_minute":null,"concurrent":0,"connections":null,"messages_per_minute":null,"weight":2`},
		{"PUT", "/tenants/t1/limits", `{"tokens_per_minute":-1}`, 400, `"param":"tokens_per_minute"`},
		{"PUT", "/tenants/t1/limits", `{"requests":1}`, 400, "invalid_json"},
		{"DELETE", "/tenants/t1/limits", "", 200, unset},
		{"PUT", "/tenants/t1/limits/acme/fast%2Fer", `{"tokens_per_minute":5}`, 200, `"scope":"model","name":"acme/fast/er","requests_per_minute":null,"tokens_per_minute":5`},
		{"DELETE", "/tenants/t1/limits/unset", "", 404, "nothing is set"},
		{"GET", "/keys/k1/limits", "", 200, `"tenant":"t1","scope":"key","name":"k1",` + unset},
		{"PUT", "/keys/k2/limits", `{"concurrent":1}`, 404, "item_not_found"},
		{"PUT", "/keys/k1/limits", `{"concurrent":1}`, 200, `"concurrent":1`},
	} {
		status, answer := call(t, tt.method, url+"/admin"+tt.path, adminKey, tt.body)
		if status != tt.status || !strings.Contains(answer, tt.answer) {
			t.Errorf("%s %s %s: %d %s", tt.method, tt.path, tt.body, status, answer)
		}
	}
}
