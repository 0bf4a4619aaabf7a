package admin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"example.com/parley/messages"
)

// shredder plays what erases. All of slow's takes longer than anybody waits.
type shredder struct{}

func (shredder) Erase(_ context.Context, tenant messages.TenantID, user string) (messages.Erasure, error) {
	e := messages.Erasure{ID: "erasure_1", Tenant: tenant, Requested: time.Unix(5, 0), Conversations: 1, Turns: 2, Items: 3, Replies: 4}
	if user != "" {
		e.UserHash = messages.HashUser(user)
	}
	if tenant != "slow" {
		e.Ended = time.Unix(7, 0)
	}
	return e, nil
}

func (s shredder) DeleteTenant(ctx context.Context, id messages.TenantID) (messages.Erasure, error) {
	if id == "t9" {
		return messages.Erasure{}, &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no such tenant"}
	}
	return s.Erase(ctx, id, "")
}

func (s shredder) Erasure(ctx context.Context, id string) (messages.Erasure, error) {
	if id != "erasure_1" {
		return messages.Erasure{}, &messages.Failure{Code: messages.CodeItemAbsent, What: "absent"}
	}
	return s.Erase(ctx, "t1", "ann")
}

func (s shredder) Erasures(ctx context.Context, tenant messages.TenantID) ([]messages.Erasure, error) {
	e, err := s.Erase(ctx, tenant, "")
	return []messages.Erasure{e}, err
}

func (shredder) Retention(_ context.Context, tenant messages.TenantID) (messages.Retention, error) {
	days := 30
	return messages.Retention{Tenant: tenant, ContentDays: &days}, nil
}

func (shredder) SetRetention(_ context.Context, r messages.Retention) error {
	if r.LedgerDays != nil && *r.LedgerDays < 0 {
		return &messages.Failure{Code: messages.CodeInvalidRequest, What: "below zero", Param: "ledger_days"}
	}
	return nil
}

func TestErasuresHaveReceipts(t *testing.T) {
	t.Parallel()
	url := serve(t, &office{})
	hash := messages.HashUser("ann")
	for _, tt := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"POST", "/erasures", `{"tenant":"t1","user":"ann"}`, 200, `{"id":"erasure_1","object":"erasure","tenant":"t1","user_sha256":"` + hash + `","status":"completed","requested":5,"completed":7,"erased":{"conversations":1,"turns":2,"items":3,"idempotent_replies":4}}`},
		{"POST", "/erasures", `{"tenant":"slow","all":true}`, 202, `"status":"running","requested":5,"completed":null`},
		{"POST", "/erasures", `{"tenant":"t1"}`, 400, `"param":"user"`},
		{"POST", "/erasures", `{"tenant":"t1","user":""}`, 400, `"param":"user"`},
		{"POST", "/erasures", `{"tenant":"t1","user":"ann","all":true}`, 400, `"param":"user"`},
		{"POST", "/erasures", `{"all":true}`, 400, `"param":"tenant"`},
		{"GET", "/erasures/erasure_1", "", 200, `"user_sha256":"` + hash},
		{"GET", "/erasures/erasure_2", "", 404, `item_not_found`},
		{"GET", "/erasures?tenant=t1", "", 200, `"data":[{"id":"erasure_1","object":"erasure","tenant":"t1","status":"completed"`},
		{"GET", "/tenants/t1/retention", "", 200, `{"object":"retention","tenant":"t1","content_days":30,"ledger_days":null}`},
		{"PUT", "/tenants/t1/retention", `{"ledger_days":0}`, 200, `"content_days":null,"ledger_days":0`},
		{"PUT", "/tenants/t1/retention", `{"ledger_days":-1}`, 400, `"param":"ledger_days"`},
		{"PUT", "/tenants/t1/retention", `{"days":1}`, 400, `invalid_json`},
	} {
		status, answer := call(t, tt.method, url+"/admin"+tt.path, adminKey, tt.body)
		if status != tt.status || !strings.Contains(answer, tt.answer) || strings.Contains(answer, "ann\"") {
			t.Errorf("%s %s %s: got %d %s, want %d with %s", tt.method, tt.path, tt.body, status, answer, tt.status, tt.answer)
		}
	}
}
