package main

import (
	"encoding/json"
	"io"
	"time"

	"github.com/spf13/cobra"

	"example.com/parley/messages"
)

func addJSONFlag(c *cobra.Command) *bool {
	return c.Flags().Bool("json", false, "print JSON, as the admin listener writes it")
}

// listJSON is a list on the wire.
type listJSON[T any] struct {
	Object  string `json:"object"`
	Data    []T    `json:"data"`
	HasMore bool   `json:"has_more,omitempty"`
}

func printJSON[T any](w io.Writer, data []T) error {
	return printIndented(w, listJSON[T]{Object: "list", Data: data})
}

func printIndented(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

func mapped[A, B any](all []A, f func(A) B) []B {
	out := make([]B, len(all))
	for i := range all {
		out[i] = f(all[i])
	}
	return out
}

// tenantJSON is a tenant as the admin listener writes it.
type tenantJSON struct {
	ID      messages.TenantID `json:"id"`
	Object  string            `json:"object"`
	Name    string            `json:"name"`
	Created int64             `json:"created"` // seconds since 1970, as all times
	// Disabled is since when its keys open nothing.
	Disabled *int64 `json:"disabled"`
	// MayRoute says whether its requests may name who answers them.
	MayRoute bool `json:"may_route"`
	// Models and Providers are what it may use; empty for all.
	Models    []string `json:"models"`
	Providers []string `json:"providers"`
}

func jsonOfTenant(t messages.Tenant) tenantJSON {
	return tenantJSON{
		ID: t.ID, Object: "tenant", Name: t.Name, Created: t.Created.Unix(), Disabled: seconds(t.Disabled), MayRoute: t.MayRoute,
		Models: append([]string{}, t.Allowance.Models...), Providers: append([]string{}, t.Allowance.Providers...),
	}
}

func (t tenantJSON) tenant() messages.Tenant {
	return messages.Tenant{
		ID: t.ID, Name: t.Name, Created: time.Unix(t.Created, 0), Disabled: fromSeconds(t.Disabled), MayRoute: t.MayRoute,
		Allowance: messages.Allowance{Models: t.Models, Providers: t.Providers},
	}
}

// keyJSON is a key as the admin listener writes it, and what it takes.
type keyJSON struct {
	ID      messages.KeyID    `json:"id"`
	Object  string            `json:"object"`
	Tenant  messages.TenantID `json:"tenant,omitempty"`
	Role    messages.KeyRole  `json:"role"`
	Name    string            `json:"name,omitempty"`
	Created int64             `json:"created"` // seconds since 1970, as all times
	Expires *int64            `json:"expires"`
	Revoked *int64            `json:"revoked"`
	Used    *int64            `json:"used"`
	// Scopes, Models and Providers are what it opens and may use; empty for all.
	Scopes    []string `json:"scopes"`
	Models    []string `json:"models"`
	Providers []string `json:"providers"`
	// Class is that of its turns, where a request names none; empty for standard.
	Class messages.KeyClass `json:"class,omitempty"`
	// OldExpires is until when the secret before the last rotation opens, too.
	OldExpires *int64 `json:"old_expires"`
	Key        string `json:"key,omitempty"` // the whole key, where it was just made or rotated
}

func jsonOfKey(k messages.APIKey) keyJSON {
	return keyJSON{
		ID: k.ID, Object: "key", Tenant: k.Tenant, Role: k.Role, Name: k.Name,
		Created: k.Created.Unix(), Expires: seconds(k.Expires), Revoked: seconds(k.Revoked), Used: seconds(k.Used),
		Scopes: k.Scopes.Names(), Models: append([]string{}, k.Allowance.Models...), Providers: append([]string{}, k.Allowance.Providers...),
		OldExpires: seconds(k.OldExpires), Class: k.Class,
	}
}

func (k keyJSON) key() messages.APIKey {
	scopes, _ := messages.ParseScopes(k.Scopes) // a later server may have others: those are not shown
	return messages.APIKey{
		ID: k.ID, Tenant: k.Tenant, Role: k.Role, Name: k.Name,
		Created: time.Unix(k.Created, 0), Expires: fromSeconds(k.Expires), Revoked: fromSeconds(k.Revoked), Used: fromSeconds(k.Used),
		Scopes: scopes, Allowance: messages.Allowance{Models: k.Models, Providers: k.Providers}, OldExpires: fromSeconds(k.OldExpires), Class: k.Class,
	}
}

// seconds is a time on the wire, null for none.
func seconds(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(t.Unix())
}

func fromSeconds(s *int64) time.Time {
	if s == nil {
		return time.Time{}
	}
	return time.Unix(*s, 0)
}
