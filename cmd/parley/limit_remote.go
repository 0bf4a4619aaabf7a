package main

import (
	"context"
	"net/http"
	"net/url"

	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

// Limits implements administration.
func (r *remote) Limits(ctx context.Context, of messages.TenantID) ([]messages.LimitState, error) {
	var list listJSON[admin.Limit]
	err := r.do(ctx, http.MethodGet, "/admin/limits?"+url.Values{"tenant": {string(of)}}.Encode(), nil, &list)
	return mapped(list.Data, limitState), err
}

// Limit implements administration.
func (r *remote) Limit(ctx context.Context, of messages.LimitHolder) (messages.LimitState, error) {
	return r.limit(ctx, http.MethodGet, of, nil)
}

// SetLimit implements administration.
func (r *remote) SetLimit(ctx context.Context, l messages.Limit) (messages.LimitState, error) {
	return r.limit(ctx, http.MethodPut, l.LimitHolder, admin.BoundsOf(l))
}

// ClearLimit implements administration.
func (r *remote) ClearLimit(ctx context.Context, of messages.LimitHolder) (messages.LimitState, error) {
	return r.limit(ctx, http.MethodDelete, of, nil)
}

func (r *remote) limit(ctx context.Context, method string, of messages.LimitHolder, body any) (messages.LimitState, error) {
	var found admin.Limit
	err := r.do(ctx, method, limitPath(of), body, &found)
	return limitState(found), err
}

func limitPath(of messages.LimitHolder) string {
	switch of.Scope {
	case messages.LimitKey:
		return keyPath(messages.KeyID(of.Name)) + "/limits"
	case messages.LimitModel:
		return tenantPath(of.Tenant) + "/limits/" + url.PathEscape(of.Name)
	default:
		return tenantPath(of.Tenant) + "/limits"
	}
}

// limitState reads a limit as the admin listener writes it.
func limitState(l admin.Limit) messages.LimitState {
	s := messages.LimitState{Limit: l.Limits(messages.LimitHolder{Tenant: l.Tenant, Scope: l.Scope, Name: l.Name})}
	inForce := l.InForce.Limits(s.LimitHolder).Limits
	for _, n := range []*int64{&inForce.Requests, &inForce.Tokens, &inForce.Turns, &inForce.Connections, &inForce.Messages} {
		*n = max(*n, 0) // no limit
	}
	s.InForce = inForce
	if l.InForce.Weight != nil {
		s.Weighs = *l.InForce.Weight
	}
	return s
}
