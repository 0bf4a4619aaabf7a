package main

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

// CreateTenant implements administration.
func (r *remote) CreateTenant(ctx context.Context, wanted messages.Tenant) (messages.Tenant, error) {
	var made tenantJSON
	err := r.do(ctx, http.MethodPost, "/admin/tenants", map[string]any{
		"name": wanted.Name, "may_route": wanted.MayRoute, "models": wanted.Allowance.Models, "providers": wanted.Allowance.Providers,
	}, &made)
	return made.tenant(), err
}

// ChangeTenant implements administration.
func (r *remote) ChangeTenant(ctx context.Context, id messages.TenantID, change messages.TenantChange) (messages.Tenant, error) {
	asked := struct {
		Name      *string   `json:"name,omitempty"`
		Disabled  *bool     `json:"disabled,omitempty"`
		MayRoute  *bool     `json:"may_route,omitempty"`
		Models    *[]string `json:"models,omitempty"`
		Providers *[]string `json:"providers,omitempty"`
	}(change)
	var changed tenantJSON
	err := r.do(ctx, http.MethodPatch, tenantPath(id), asked, &changed)
	return changed.tenant(), err
}

func tenantPath(id messages.TenantID) string { return "/admin/tenants/" + url.PathEscape(string(id)) }

// DeleteTenant implements administration.
func (r *remote) DeleteTenant(ctx context.Context, id messages.TenantID) (messages.Erasure, error) {
	var deleted admin.TenantDeleted
	err := r.do(ctx, http.MethodDelete, tenantPath(id), nil, &deleted)
	return erasureOf(deleted.Erasure), err
}

// Tenant implements administration.
func (r *remote) Tenant(ctx context.Context, id messages.TenantID) (messages.Tenant, error) {
	var found tenantJSON
	err := r.do(ctx, http.MethodGet, tenantPath(id), nil, &found)
	return found.tenant(), err
}

// Tenants implements administration.
func (r *remote) Tenants(ctx context.Context) ([]messages.Tenant, error) {
	var list listJSON[tenantJSON]
	err := r.do(ctx, http.MethodGet, "/admin/tenants", nil, &list)
	return mapped(list.Data, tenantJSON.tenant), err
}

// CreateKey implements administration.
func (r *remote) CreateKey(ctx context.Context, wanted messages.APIKey) (created messages.APIKey, whole string, err error) {
	asked := struct {
		Tenant    messages.TenantID `json:"tenant,omitempty"`
		Role      messages.KeyRole  `json:"role"`
		Name      string            `json:"name,omitempty"`
		Expires   *int64            `json:"expires,omitempty"`
		Scopes    []string          `json:"scopes,omitempty"`
		Models    []string          `json:"models,omitempty"`
		Providers []string          `json:"providers,omitempty"`
		Class     messages.KeyClass `json:"class,omitempty"`
	}{
		wanted.Tenant, wanted.Role, wanted.Name, seconds(wanted.Expires), wanted.Scopes.Names(), wanted.Allowance.Models, wanted.Allowance.Providers, wanted.Class,
	}
	var made keyJSON
	err = r.do(ctx, http.MethodPost, "/admin/keys", asked, &made)
	return made.key(), made.Key, err
}

// ChangeKey implements administration.
func (r *remote) ChangeKey(ctx context.Context, id messages.KeyID, change messages.KeyChange) (messages.APIKey, error) {
	asked := struct {
		Name      *string            `json:"name,omitempty"`
		Role      *messages.KeyRole  `json:"role,omitempty"`
		Expires   *int64             `json:"expires,omitempty"`
		Scopes    *[]string          `json:"scopes,omitempty"`
		Models    *[]string          `json:"models,omitempty"`
		Providers *[]string          `json:"providers,omitempty"`
		Class     *messages.KeyClass `json:"class,omitempty"`
		EndOld    bool               `json:"end_old,omitempty"`
	}{Name: change.Name, Role: change.Role, Models: change.Models, Providers: change.Providers, Class: change.Class, EndOld: change.EndOld}
	if change.Expires != nil {
		asked.Expires = new(int64)
		if !change.Expires.IsZero() {
			*asked.Expires = change.Expires.Unix()
		}
	}
	if change.Scopes != nil {
		asked.Scopes = new(change.Scopes.Names())
	}
	var changed keyJSON
	err := r.do(ctx, http.MethodPatch, keyPath(id), asked, &changed)
	return changed.key(), err
}

func keyPath(id messages.KeyID) string { return "/admin/keys/" + url.PathEscape(string(id)) }

// RotateKey implements administration.
func (r *remote) RotateKey(ctx context.Context, id messages.KeyID, oldExpires time.Time) (key messages.APIKey, whole string, err error) {
	var rotated keyJSON
	err = r.do(ctx, http.MethodPost, keyPath(id)+"/rotate", map[string]int64{"old_expires": oldExpires.Unix()}, &rotated)
	return rotated.key(), rotated.Key, err
}

// Key implements administration.
func (r *remote) Key(ctx context.Context, id messages.KeyID) (messages.APIKey, error) {
	var found keyJSON
	err := r.do(ctx, http.MethodGet, keyPath(id), nil, &found)
	return found.key(), err
}

// Keys implements administration.
func (r *remote) Keys(ctx context.Context, of messages.TenantID) ([]messages.APIKey, error) {
	var list listJSON[keyJSON]
	err := r.do(ctx, http.MethodGet, "/admin/keys?"+url.Values{"tenant": {string(of)}}.Encode(), nil, &list)
	return mapped(list.Data, keyJSON.key), err
}

// RevokeKey implements administration.
func (r *remote) RevokeKey(ctx context.Context, id messages.KeyID) error {
	return r.do(ctx, http.MethodDelete, keyPath(id), nil, nil)
}
