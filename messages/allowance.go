package messages

import (
	"slices"
	"strings"
)

// Allowance says which models may be asked for, and which providers may answer.
// An empty list allows all. It is not changed once somebody else has it.
type Allowance struct {
	Models    []string // names as clients write them, or beginnings of names that end with *
	Providers []string // by their names in the configuration
}

// HasModel tells whether a model may be asked for.
func (a *Allowance) HasModel(name string) bool {
	return len(a.Models) == 0 || slices.ContainsFunc(a.Models, func(pattern string) bool {
		if beginning, open := strings.CutSuffix(pattern, "*"); open {
			return strings.HasPrefix(name, beginning)
		}
		return name == pattern
	})
}

// HasProvider tells whether a provider may answer.
func (a *Allowance) HasProvider(name string) bool {
	return len(a.Providers) == 0 || slices.Contains(a.Providers, name)
}

// Allowed is what a request may use: what both its tenant and its key allow. nil
// allows everything, and every method can be called on it. It is immutable, and
// shared by all requests of a key.
type Allowed struct {
	Tenant, Key Allowance
}

// Narrow returns what both allow, which is nil where neither leaves anything out.
func Narrow(tenant, key Allowance) *Allowed {
	if len(tenant.Models)+len(tenant.Providers)+len(key.Models)+len(key.Providers) == 0 {
		return nil
	}
	return &Allowed{Tenant: tenant, Key: key}
}

// Model tells whether a model may be asked for by this name.
func (a *Allowed) Model(name string) bool {
	return a == nil || a.Tenant.HasModel(name) && a.Key.HasModel(name)
}

// Provider tells whether a provider may answer.
func (a *Allowed) Provider(name string) bool {
	return a == nil || a.Tenant.HasProvider(name) && a.Key.HasProvider(name)
}

// Target tells whether a request may name a target itself: its provider is
// allowed, and its model is by its own name or together with the provider's.
func (a *Allowed) Target(t Target) bool {
	return a.Provider(t.Provider) && (a.Model(t.Model) || a.Model(t.String()))
}

// Restricts tells whether some providers may not answer.
func (a *Allowed) Restricts() bool {
	return a != nil && len(a.Tenant.Providers)+len(a.Key.Providers) > 0
}

// AnyModel is the same with every model: for what the server asks by itself, of
// a model that the operator named, with something that the tenant said.
func (a *Allowed) AnyModel() *Allowed {
	if a == nil {
		return nil
	}
	return Narrow(Allowance{Providers: a.Tenant.Providers}, Allowance{Providers: a.Key.Providers})
}
