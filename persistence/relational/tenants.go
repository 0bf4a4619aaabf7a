package relational

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// CreateTenant stores a tenant, whose name must be free.
func (s *Store) CreateTenant(ctx context.Context, tenant messages.Tenant) error {
	return s.write(ctx, operator, "CreateTenant", func(t *transaction) error {
		created, err := t.exec("INSERT INTO tenants (id, name, created, may_route) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			tenant.ID, tenant.Name, micros(tenant.Created), tenant.MayRoute)
		if err != nil {
			return err
		}
		if created == 0 {
			return &messages.Failure{
				Code: messages.CodeInvalidRequest, What: "there is a tenant named " + tenant.Name + " already", Do: "choose another name", Param: "name",
			}
		}
		if err := t.audit(ctx, messages.AuditChange{Action: "tenant.create", Object: string(tenant.ID), Tenant: tenant.ID, After: stateOfTenant(tenant)}); err != nil {
			return err
		}
		return t.keysChanged()
	})
}

// Tenants lists all tenants, oldest first.
func (s *Store) Tenants(ctx context.Context) (found []messages.Tenant, err error) {
	err = s.read(ctx, operator, "Tenants", func(r *querying) error {
		return r.rows("SELECT id, name, created, may_route FROM tenants ORDER BY created, id", nil, func(row Scanner) error {
			var tenant messages.Tenant
			var created int64
			err := row.Scan(&tenant.ID, &tenant.Name, &created, &tenant.MayRoute)
			tenant.Created = fromMicros(created)
			found = append(found, tenant)
			return err
		})
	})
	return found, err
}

// ChangeTenant changes what is set of the change, and returns the tenant as it
// is then.
func (s *Store) ChangeTenant(ctx context.Context, id messages.TenantID, change messages.TenantChange) (changed messages.Tenant, err error) {
	err = s.write(ctx, operator, "ChangeTenant", func(t *transaction) error {
		before, err := t.holdTenant(id)
		if err != nil {
			return err
		}
		changed = before
		if change.MayRoute != nil {
			changed.MayRoute = *change.MayRoute
		}
		if _, err := t.exec("UPDATE tenants SET may_route = ? WHERE id = ?", changed.MayRoute, id); err != nil {
			return err
		}
		if err := t.audit(ctx, messages.AuditChange{
			Action: "tenant.change", Object: string(id), Tenant: id, Before: stateOfTenant(before), After: stateOfTenant(changed),
		}); err != nil {
			return err
		}
		return t.keysChanged()
	})
	return changed, err
}

// holdTenant returns a tenant, which nobody else changes until the transaction
// has ended.
func (t *transaction) holdTenant(id messages.TenantID) (tenant messages.Tenant, err error) {
	var created int64
	found, err := t.row("UPDATE tenants SET name = name WHERE id = ? RETURNING id, name, created, may_route",
		[]any{id}, &tenant.ID, &tenant.Name, &created, &tenant.MayRoute)
	if err == nil && !found {
		err = &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no tenant with this id", Do: "list the tenants with `parley tenant list`", Param: "id"}
	}
	tenant.Created = fromMicros(created)
	return tenant, err
}

// keysChanged tells every cache of keys that it is out of date.
func (t *transaction) keysChanged() error {
	_, err := t.exec("UPDATE keys_version SET version = version + 1")
	return err
}

// KeysVersion changes whenever a tenant or a key does.
func (s *Store) KeysVersion(ctx context.Context) (version uint64, err error) {
	err = s.read(ctx, operator, "KeysVersion", func(r *querying) error {
		_, err := r.row("SELECT version FROM keys_version", nil, &version)
		return err
	})
	return version, err
}

// CreateKey stores a key.
func (s *Store) CreateKey(ctx context.Context, key messages.APIKey) error {
	return s.write(ctx, operator, "CreateKey", func(t *transaction) error {
		created, err := t.exec("INSERT INTO keys (id, tenant, role, name, hash, created, expires, revoked) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			key.ID, key.Tenant, key.Role, key.Name, key.Hash[:], micros(key.Created), micros(key.Expires), micros(key.Revoked))
		if err != nil {
			return err
		}
		if created == 0 {
			return &messages.Failure{
				Code: messages.CodeInvalidRequest, What: "there is a key with the id " + string(key.ID) + " already", Do: "choose another id",
			}
		}
		if err := t.audit(ctx, messages.AuditChange{Action: "key.create", Object: string(key.ID), Tenant: key.Tenant, After: stateOfKey(key)}); err != nil {
			return err
		}
		return t.keysChanged()
	})
}

const selectKey = `SELECT keys.id, keys.tenant, keys.role, keys.name, keys.hash, keys.created, keys.expires, keys.revoked, COALESCE(tenants.may_route, FALSE)
	FROM keys LEFT JOIN tenants ON tenants.id = keys.tenant `

func scanKey(row Scanner) (key messages.APIKey, err error) {
	var hash []byte
	var created, expires, revoked int64
	err = row.Scan(&key.ID, &key.Tenant, &key.Role, &key.Name, &hash, &created, &expires, &revoked, &key.MayRoute)
	copy(key.Hash[:], hash)
	key.Created, key.Expires, key.Revoked = fromMicros(created), fromMicros(expires), fromMicros(revoked)
	return key, err
}

// Keys lists a tenant's keys, oldest first, or the admin keys for the empty
// name.
func (s *Store) Keys(ctx context.Context, tenant messages.TenantID) (found []messages.APIKey, err error) {
	err = s.read(ctx, operator, "Keys", func(r *querying) error {
		return r.rows(selectKey+"WHERE keys.tenant = ? ORDER BY keys.created, keys.id", []any{tenant}, func(row Scanner) error {
			key, err := scanKey(row)
			found = append(found, key)
			return err
		})
	})
	return found, err
}

// Key finds a key by its id.
func (s *Store) Key(ctx context.Context, id messages.KeyID) (key messages.APIKey, err error) {
	found := false
	err = s.read(ctx, operator, "Key", func(r *querying) error {
		return r.rows(selectKey+"WHERE keys.id = ?", []any{id}, func(row Scanner) (err error) {
			found = true
			key, err = scanKey(row)
			return err
		})
	})
	if err == nil && !found {
		err = keyAbsent()
	}
	return key, err
}

// RevokeKey ends a key's life. A key that was revoked before keeps its time.
func (s *Store) RevokeKey(ctx context.Context, id messages.KeyID, at time.Time) error {
	return s.write(ctx, operator, "RevokeKey", func(t *transaction) error {
		before, err := t.holdKey(id)
		if err != nil || !before.Revoked.IsZero() {
			return err
		}
		after := before
		after.Revoked = at
		if _, err := t.exec("UPDATE keys SET revoked = ? WHERE id = ?", micros(at), id); err != nil {
			return err
		}
		if err := t.audit(ctx, messages.AuditChange{
			Action: "key.revoke", Object: string(id), Tenant: before.Tenant, Before: stateOfKey(before), After: stateOfKey(after),
		}); err != nil {
			return err
		}
		return t.keysChanged()
	})
}

// holdKey returns a key, which nobody else changes until the transaction has
// ended.
func (t *transaction) holdKey(id messages.KeyID) (key messages.APIKey, err error) {
	held, err := t.exec("UPDATE keys SET name = name WHERE id = ?", id)
	if err == nil && held == 0 {
		err = keyAbsent()
	}
	if err != nil {
		return key, err
	}
	err = t.rows(selectKey+"WHERE keys.id = ?", []any{id}, func(row Scanner) (err error) {
		key, err = scanKey(row)
		return err
	})
	return key, err
}

func keyAbsent() error {
	return &messages.Failure{Code: messages.CodeInvalidKey, What: "there is no key with this id", Do: "list the keys with `parley key list`"}
}
