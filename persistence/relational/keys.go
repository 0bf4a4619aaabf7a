package relational

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"example.com/parley/messages"
)

// CreateKey stores a key.
func (s *Store) CreateKey(ctx context.Context, key messages.APIKey) error {
	lists, err := encodeLists(key.Scopes.Names(), key.Allowance.Models, key.Allowance.Providers)
	if err != nil {
		return err
	}
	return s.write(ctx, operator, "CreateKey", func(t *transaction) error {
		created, err := t.exec(`INSERT INTO keys (id, tenant, role, name, hash, created, expires, revoked, scopes, models, providers, class)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			key.ID, key.Tenant, key.Role, key.Name, key.Hash[:], micros(key.Created), micros(key.Expires), micros(key.Revoked), lists[0], lists[1], lists[2], key.Class)
		if err != nil {
			return err
		}
		if created == 0 {
			return &messages.Failure{
				Code: messages.CodeInvalidRequest, What: "there is a key with the id " + string(key.ID) + " already", Do: "choose another id",
			}
		}
		return t.changed(ctx, messages.AuditChange{Action: "key.create", Object: string(key.ID), Tenant: key.Tenant, After: stateOfKey(key)})
	})
}

const selectKey = `SELECT keys.id, keys.tenant, keys.role, keys.name, keys.hash, keys.created, keys.expires, keys.revoked, keys.used,
	keys.scopes, keys.models, keys.providers, keys.old_hash, keys.old_expires, keys.class,
	COALESCE(tenants.may_route, FALSE), COALESCE(tenants.disabled, 0), COALESCE(tenants.models, ''), COALESCE(tenants.providers, '')
	FROM keys LEFT JOIN tenants ON tenants.id = keys.tenant `

func scanKey(row Scanner) (key messages.APIKey, err error) {
	var hash, old, scopes, models, providers, tenantModels, tenantProviders []byte
	var created, expires, revoked, used, oldExpires, disabled int64
	if err := row.Scan(&key.ID, &key.Tenant, &key.Role, &key.Name, &hash, &created, &expires, &revoked, &used,
		&scopes, &models, &providers, &old, &oldExpires, &key.Class, &key.MayRoute, &disabled, &tenantModels, &tenantProviders); err != nil {
		return key, err
	}
	copy(key.Hash[:], hash)
	copy(key.OldHash[:], old)
	key.Created, key.Expires, key.Revoked, key.Used = fromMicros(created), fromMicros(expires), fromMicros(revoked), fromMicros(used)
	key.OldExpires, key.Disabled = fromMicros(oldExpires), disabled != 0
	if key.Scopes, err = decodeScopes(scopes); err != nil {
		return key, err
	}
	if key.Allowance, err = decodeAllowance(models, providers); err == nil {
		key.TenantAllowance, err = decodeAllowance(tenantModels, tenantProviders)
	}
	return key, err
}

// decodeScopes reads names. One that is not known any more must not turn into
// all of them: it fails.
func decodeScopes(text []byte) (messages.Scopes, error) {
	var names []string
	if err := json.Unmarshal(text, &names); err != nil {
		return 0, err
	}
	return messages.ParseScopes(names)
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
	err = s.read(ctx, operator, "Key", func(r *querying) error {
		key, err = keyOf(r, id)
		return err
	})
	return key, err
}

func keyOf(q querier, id messages.KeyID) (key messages.APIKey, err error) {
	found := false
	err = q.rows(selectKey+"WHERE keys.id = ?", []any{id}, func(row Scanner) (err error) {
		found = true
		key, err = scanKey(row)
		return err
	})
	if err == nil && !found {
		err = keyAbsent()
	}
	return key, err
}

// holdKey returns a key, which nobody else changes until the transaction has
// ended.
func (t *transaction) holdKey(id messages.KeyID) (messages.APIKey, error) {
	if _, err := t.exec("UPDATE keys SET name = name WHERE id = ?", id); err != nil {
		return messages.APIKey{}, err
	}
	return keyOf(t, id)
}

// replaceKey writes a key that is held as it is to be, and writes down that it did.
func (t *transaction) replaceKey(ctx context.Context, action string, before, after messages.APIKey) error {
	if err := t.putKey(after); err != nil {
		return err
	}
	return t.changed(ctx, messages.AuditChange{
		Action: action, Object: string(before.ID), Tenant: before.Tenant, Before: stateOfKey(before), After: stateOfKey(after),
	})
}

// putKey writes a key that is held.
func (t *transaction) putKey(key messages.APIKey) error {
	lists, err := encodeLists(key.Scopes.Names(), key.Allowance.Models, key.Allowance.Providers)
	if err != nil {
		return err
	}
	old := key.OldHash[:]
	if key.OldExpires.IsZero() {
		old = []byte{}
	}
	_, err = t.exec(`UPDATE keys SET role = ?, name = ?, hash = ?, expires = ?, revoked = ?, scopes = ?, models = ?, providers = ?, old_hash = ?, old_expires = ?, class = ?
		WHERE id = ?`, key.Role, key.Name, key.Hash[:], micros(key.Expires), micros(key.Revoked), lists[0], lists[1], lists[2], old, micros(key.OldExpires), key.Class, key.ID)
	return err
}

// ChangeKey changes what is set of the change, and returns the key as it is
// then. One that was revoked stays so.
func (s *Store) ChangeKey(ctx context.Context, id messages.KeyID, change messages.KeyChange) (after messages.APIKey, err error) {
	err = s.write(ctx, operator, "ChangeKey", func(t *transaction) error {
		before, err := t.holdKey(id)
		if err != nil {
			return err
		}
		after = change.Apply(before, time.Now().Truncate(time.Microsecond)) // as it is stored
		return t.replaceKey(ctx, "key.change", before, after)
	})
	return after, err
}

// RotateKey gives a key another secret, beside which the one before opens for a
// while. It fails while an older one still does.
func (s *Store) RotateKey(ctx context.Context, id messages.KeyID, r messages.KeyRotation) (after messages.APIKey, err error) {
	err = s.write(ctx, operator, "RotateKey", func(t *transaction) error {
		before, err := t.holdKey(id)
		if err != nil {
			return err
		}
		if err := mayRotate(&before, time.Now()); err != nil {
			return err
		}
		after = before
		after.OldHash, after.OldExpires, after.Hash = before.Hash, r.OldExpires, r.Hash
		return t.replaceKey(ctx, "key.rotate", before, after)
	})
	return after, err
}

func mayRotate(key *messages.APIKey, now time.Time) error {
	if !key.Revoked.IsZero() {
		return &messages.Failure{Code: messages.CodeInvalidRequest, What: "the key was revoked", Do: "make another one", Param: "id"}
	}
	if key.OldExpires.After(now) {
		return &messages.Failure{
			Code: messages.CodeInvalidRequest, What: "the key has two secrets that open", Param: "id",
			Do: "wait until the old one ends, or end it now: parley key change --end-old, or PATCH with end_old",
		}
	}
	return nil
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
		return t.replaceKey(ctx, "key.revoke", before, after)
	})
}

// MarkUsed remembers when keys opened something, if that was later than what is
// remembered. It is no change of a key.
func (s *Store) MarkUsed(ctx context.Context, uses []messages.KeyUse) error {
	uses = slices.Clone(uses)
	slices.SortFunc(uses, func(a, b messages.KeyUse) int { return cmp.Compare(a.ID, b.ID) }) // in one order on every node, so that none waits for another in a ring
	return s.write(ctx, operator, "MarkUsed", func(t *transaction) error {
		for _, use := range uses {
			if err := t.later(nil, "UPDATE keys SET used = ? WHERE id = ? AND used < ?", micros(use.At), use.ID, micros(use.At)); err != nil {
				return err
			}
		}
		return nil
	})
}

func keyAbsent() error {
	return &messages.Failure{Code: messages.CodeInvalidKey, What: "there is no key with this id", Do: "list the keys with `parley key list`"}
}
