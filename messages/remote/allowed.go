package remote

import "example.com/parley/messages"

func toAllowed(a *messages.Allowed) *Allowed {
	return &Allowed{Tenant: toAllowance(&a.Tenant), Key: toAllowance(&a.Key)}
}

func fromAllowed(m *Allowed) *messages.Allowed {
	return &messages.Allowed{Tenant: fromAllowance(m.GetTenant()), Key: fromAllowance(m.GetKey())}
}

func toAllowance(a *messages.Allowance) *Allowance {
	return &Allowance{Models: a.Models, Providers: a.Providers}
}

func fromAllowance(m *Allowance) messages.Allowance {
	return messages.Allowance{Models: m.GetModels(), Providers: m.GetProviders()}
}
