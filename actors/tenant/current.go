package tenant

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// Current tells whose a key is that was presented before: a connection that
// outlives its request is asked for, and nobody keeps its secret. It fails with
// CodeInvalidKey for a key that is unknown, revoked or expired by now, and with
// CodePermission for one of a tenant that was disabled.
func (k *Keys) Current(ctx context.Context, id messages.KeyID) (messages.Principal, error) {
	now := time.Now()
	found, ok := k.ring.find(id)
	if !ok || !found.fresh(now) {
		var err error
		if found, err = k.inquire(ctx, id); err != nil {
			return messages.Principal{}, err
		}
	}
	key := found.key
	switch {
	case key == nil, !key.Revoked.IsZero(), !key.Expires.IsZero() && !now.Before(key.Expires):
		return messages.Principal{}, invalidKey()
	case key.Disabled:
		return messages.Principal{}, disabled()
	}
	return found.who, nil
}
