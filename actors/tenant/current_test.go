package tenant_test

import (
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/messages"
)

func TestAConnectionsKeyHoldsUntilItIsRevokedOrExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		key, _ := w.key(time.Now().Add(time.Hour))
		other, _ := w.key(time.Time{})
		current := func(id messages.KeyID) messages.Code {
			who, err := w.keys.Current(t.Context(), id)
			if err == nil && who.Key != id {
				t.Errorf("%s is %+v", id, who)
			}
			return messages.CodeOf(err)
		}
		if a, b := current(key.ID), current(other.ID); a != "" || b != "" {
			t.Fatalf("at first: %q and %q", a, b)
		}
		if err := w.admin.RevokeKey(t.Context(), other.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond)
		if a, b := current(key.ID), current(other.ID); a != "" || b != messages.CodeInvalidKey {
			t.Errorf("once one is revoked: %q and %q", a, b)
		}
		time.Sleep(time.Hour)
		if a, b := current(key.ID), current("nobody"); a != messages.CodeInvalidKey || b != messages.CodeInvalidKey {
			t.Errorf("once the other has expired: %q, and one that never was: %q", a, b)
		}
	})
}
