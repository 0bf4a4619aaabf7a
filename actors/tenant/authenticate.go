package tenant

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// fresh tells whether an answer still counts.
func (k *known) fresh(now time.Time) bool { return k.until.IsZero() || now.Before(k.until) }

// admit tells who presents the key with its secret, if that is right.
func (k *known) admit(secret string, now time.Time) (who messages.Principal, right bool) {
	if !k.until.IsZero() || !opens(&k.key, secret, now) {
		return who, false
	}
	return messages.Principal{Tenant: k.key.Tenant, Key: k.key.ID, Role: k.key.Role, MayRoute: k.key.MayRoute}, true
}

// Authenticate tells who presents a key. It fails with CodeInvalidKey for one
// that is malformed, unknown, revoked or expired, and says no more than that. A
// key that was seen lately costs under a microsecond and no allocation
// (BenchmarkAuthenticate); any other asks the store.
func (k *Keys) Authenticate(ctx context.Context, presented string) (messages.Principal, error) {
	id, secret, ok := split(presented)
	if !ok {
		return messages.Principal{}, invalidKey()
	}
	now := time.Now()
	found, ok := k.ring.find(messages.KeyID(id))
	if !ok || !found.fresh(now) {
		var err error
		if found, err = k.inquire(ctx, messages.KeyID(id)); err != nil {
			return messages.Principal{}, err
		}
	}
	who, right := found.admit(secret, now)
	if !right {
		return messages.Principal{}, invalidKey()
	}
	return who, nil
}

// Recall tells who presents a key, if it was seen lately and is valid. It asks
// nobody.
func (k *Keys) Recall(presented string) (who messages.Principal, known bool) {
	id, secret, ok := split(presented)
	if !ok {
		return who, false
	}
	found, ok := k.ring.find(messages.KeyID(id))
	if !ok {
		return who, false
	}
	return found.admit(secret, time.Now())
}

// inquire has the actor ask the store, and waits for the answer.
func (k *Keys) inquire(ctx context.Context, id messages.KeyID) (known, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*k.cfg.LoadTimeout) // the actor may be restarting
	defer cancel()
	reply := make(chan answer, 1)
	select {
	case <-k.spawned:
		(*k.tell.Load())(&lookup{id: id, reply: reply})
	case <-ctx.Done():
		return known{}, storeAway(ctx.Err())
	}
	select {
	case a := <-reply:
		return a.known, a.err
	case <-ctx.Done():
		return known{}, storeAway(ctx.Err())
	}
}

func invalidKey() error {
	return &messages.Failure{
		Code: messages.CodeInvalidKey, What: "the key is not valid",
		Do: "send a key as Authorization: Bearer pk_...; it may have expired or been revoked", NoRetry: true,
	}
}
