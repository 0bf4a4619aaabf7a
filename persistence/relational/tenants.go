package relational

import (
	"context"
	"encoding/json"
	"time"

	"example.com/parley/messages"
)

// CreateTenant stores a tenant, whose name must be free.
func (s *Store) CreateTenant(ctx context.Context, tenant messages.Tenant) error {
	lists, err := encodeLists(tenant.Allowance.Models, tenant.Allowance.Providers)
	if err != nil {
		return err
	}
	return s.write(ctx, operator, "CreateTenant", func(t *transaction) error {
		created, err := t.exec("INSERT INTO tenants (id, name, created, disabled, may_route, models, providers) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			tenant.ID, tenant.Name, micros(tenant.Created), micros(tenant.Disabled), tenant.MayRoute, lists[0], lists[1])
		if err != nil {
			return err
		}
		if created == 0 {
			return nameTaken(tenant.Name)
		}
		return t.changed(ctx, messages.AuditChange{Action: "tenant.create", Object: string(tenant.ID), Tenant: tenant.ID, After: stateOfTenant(tenant)})
	})
}

// changed writes down a change of a tenant or a key, and tells every cache of
// keys that it is out of date.
func (t *transaction) changed(ctx context.Context, c messages.AuditChange) error {
	if err := t.audit(ctx, c); err != nil {
		return err
	}
	return t.later(nil, "UPDATE keys_version SET version = version + 1")
}

// encodeLists writes lists as columns have them.
func encodeLists(lists ...[]string) ([]string, error) {
	texts := make([]string, len(lists))
	for i, list := range lists {
		text, err := encode(append([]string{}, list...)) // of no list an empty one, and not null
		if err != nil {
			return nil, err
		}
		texts[i] = text
	}
	return texts, nil
}

const selectTenant = "SELECT id, name, created, disabled, may_route, models, providers FROM tenants WHERE deleted = 0 "

func scanTenant(row Scanner) (tenant messages.Tenant, err error) {
	var created, disabled int64
	var models, providers []byte
	if err := row.Scan(&tenant.ID, &tenant.Name, &created, &disabled, &tenant.MayRoute, &models, &providers); err != nil {
		return tenant, err
	}
	tenant.Created, tenant.Disabled = fromMicros(created), fromMicros(disabled)
	tenant.Allowance, err = decodeAllowance(models, providers)
	return tenant, err
}

// decodeAllowance reads two lists; nil for an empty one.
func decodeAllowance(models, providers []byte) (a messages.Allowance, err error) {
	if a.Models, err = decodeList(models); err == nil {
		a.Providers, err = decodeList(providers)
	}
	return a, err
}

func decodeList(text []byte) (list []string, err error) {
	if len(text) == 0 || string(text) == "[]" { // of a key without a tenant there is no text
		return nil, nil
	}
	err = json.Unmarshal(text, &list)
	return list, err
}

// Tenants lists all tenants that were not deleted, oldest first.
func (s *Store) Tenants(ctx context.Context) (found []messages.Tenant, err error) {
	err = s.read(ctx, operator, "Tenants", func(r *querying) error {
		return r.rows(selectTenant+"ORDER BY created, id", nil, func(row Scanner) error {
			tenant, err := scanTenant(row)
			found = append(found, tenant)
			return err
		})
	})
	return found, err
}

// Tenant finds a tenant by its id.
func (s *Store) Tenant(ctx context.Context, id messages.TenantID) (tenant messages.Tenant, err error) {
	err = s.read(ctx, operator, "Tenant", func(r *querying) error {
		tenant, err = tenantOf(r, id)
		return err
	})
	return tenant, err
}

func tenantOf(q querier, id messages.TenantID) (tenant messages.Tenant, err error) {
	found := false
	err = q.rows(selectTenant+"AND id = ?", []any{id}, func(row Scanner) (err error) {
		found = true
		tenant, err = scanTenant(row)
		return err
	})
	if err == nil && !found {
		err = tenantAbsent()
	}
	return tenant, err
}

// holdTenant returns a tenant, which nobody else changes until the transaction
// has ended.
func (t *transaction) holdTenant(id messages.TenantID) (messages.Tenant, error) {
	if _, err := t.exec("UPDATE tenants SET name = name WHERE id = ?", id); err != nil {
		return messages.Tenant{}, err
	}
	return tenantOf(t, id)
}

// ChangeTenant changes what is set of the change, and returns the tenant as it
// is then.
func (s *Store) ChangeTenant(ctx context.Context, id messages.TenantID, change messages.TenantChange) (changed messages.Tenant, err error) {
	err = s.write(ctx, operator, "ChangeTenant", func(t *transaction) error {
		before, err := t.holdTenant(id)
		if err != nil {
			return err
		}
		changed = change.Apply(before, time.Now().Truncate(time.Microsecond)) // as it is stored
		if err := t.putTenant(changed); err != nil {
			return err
		}
		return t.changed(ctx, messages.AuditChange{
			Action: "tenant.change", Object: string(id), Tenant: id, Before: stateOfTenant(before), After: stateOfTenant(changed),
		})
	})
	return changed, err
}

// putTenant writes a tenant that is held.
func (t *transaction) putTenant(tenant messages.Tenant) error {
	taken, err := t.row("SELECT TRUE FROM tenants WHERE name = ? AND id <> ?", []any{tenant.Name, tenant.ID}, new(bool))
	if err != nil {
		return err
	}
	if taken {
		return nameTaken(tenant.Name)
	}
	lists, err := encodeLists(tenant.Allowance.Models, tenant.Allowance.Providers)
	if err != nil {
		return err
	}
	_, err = t.exec("UPDATE tenants SET name = ?, disabled = ?, may_route = ?, models = ?, providers = ? WHERE id = ?",
		tenant.Name, micros(tenant.Disabled), tenant.MayRoute, lists[0], lists[1], tenant.ID)
	return err
}

// DeleteTenant revokes a tenant's keys, takes it out of the list, and writes down
// that what was said under it is to be erased; its rows of usage stay. Its name is
// free again, and its id is not.
func (s *Store) DeleteTenant(ctx context.Context, e messages.Erasure) error {
	id, at := e.Tenant, e.Requested
	return s.write(ctx, operator, "DeleteTenant", func(t *transaction) error {
		before, err := t.holdTenant(id)
		if err != nil {
			return err
		}
		if _, err := t.exec("UPDATE tenants SET deleted = ?, name = ? WHERE id = ?", micros(at), "deleted "+string(id), id); err != nil {
			return err
		}
		if _, err := t.exec("UPDATE keys SET revoked = ? WHERE tenant = ? AND revoked = 0", micros(at), id); err != nil {
			return err
		}
		if err := t.dropLimits(id); err != nil {
			return err
		}
		if err := t.wantErasure(ctx, &e); err != nil {
			return err
		}
		return t.changed(ctx, messages.AuditChange{Action: "tenant.delete", Object: string(id), Tenant: id, Before: stateOfTenant(before)})
	})
}

// KeysVersion changes whenever a tenant or a key does.
func (s *Store) KeysVersion(ctx context.Context) (version uint64, err error) {
	err = s.read(ctx, operator, "KeysVersion", func(r *querying) error {
		_, err := r.row("SELECT version FROM keys_version", nil, &version)
		return err
	})
	return version, err
}

func nameTaken(name string) error {
	return &messages.Failure{
		Code: messages.CodeInvalidRequest, What: "there is a tenant named " + name + " already", Do: "choose another name", Param: "name",
	}
}

func tenantAbsent() error {
	return &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no tenant with this id", Do: "list the tenants with `parley tenant list`", Param: "id"}
}
