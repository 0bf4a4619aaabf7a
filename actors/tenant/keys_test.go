package tenant_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/actors/tenant"
	"example.com/parley/messages"
)

// settle is longer than servers take to see a change.
const settle = 2 * time.Second

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestRotatedKeyHasTwoSecretsForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		key, old := w.key(time.Time{})
		w.code(old)
		rotated, secret, err := w.admin.RotateKey(t.Context(), key.ID, time.Now().Add(time.Hour))
		w.must(err)
		fresh := secret.Reveal()
		if rotated.ID != key.ID || !strings.HasPrefix(fresh, "pk_"+string(key.ID)+"_") || fresh == old {
			t.Errorf("the key became %+v", rotated)
		}
		time.Sleep(settle)
		for name, presented := range map[string]string{"the old secret": old, "the new one": fresh} {
			if code := w.code(presented); code != "" {
				t.Errorf("within the hour %s: %s", name, code)
			}
		}
		time.Sleep(time.Hour)
		if code := w.code(old); code != messages.CodeInvalidKey {
			t.Errorf("the old secret after its time: %q", code)
		}
		if _, known := w.keys.Recall(old); known {
			t.Error("the old secret is recalled after its time")
		}
		if code := w.code(fresh); code != "" {
			t.Errorf("the new secret after that: %s", code)
		}
		w.must(w.admin.RevokeKey(t.Context(), key.ID))
		time.Sleep(settle)
		if code := w.code(fresh); code != messages.CodeInvalidKey {
			t.Errorf("once revoked: %q", code)
		}
	})
}

func TestOldSecretCanBeEndedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		key, first := w.key(time.Time{})
		_, second, err := w.admin.RotateKey(t.Context(), key.ID, time.Time{}) // long past
		w.must(err)
		time.Sleep(settle)
		if code := w.code(first); code != messages.CodeInvalidKey {
			t.Errorf("the secret that somebody else has: %q", code)
		}
		_, _, err = w.admin.RotateKey(t.Context(), key.ID, time.Now().Add(time.Hour))
		w.must(err)
		_, err = w.admin.ChangeKey(t.Context(), key.ID, messages.KeyChange{EndOld: true})
		w.must(err)
		time.Sleep(settle)
		if code := w.code(second.Reveal()); code != messages.CodeInvalidKey {
			t.Errorf("the secret that was ended: %q", code)
		}
	})
}

func TestRotationRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key, _ := w.key(time.Time{})
	if _, _, err := w.admin.RotateKey(t.Context(), key.ID, time.Now().AddDate(1, 0, 0)); messages.AsFailure(err).Param != "old_expires" {
		t.Errorf("an old secret for a year: %v", err)
	}
	if _, _, err := w.admin.RotateKey(t.Context(), "nobody", time.Now()); messages.CodeOf(err) != messages.CodeInvalidKey {
		t.Errorf("no key: %v", err)
	}
}

func TestChangeRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key, _ := w.key(time.Time{})
	ops, _, err := w.admin.CreateKey(t.Context(), tenant.KeySpec{Role: messages.KeyAdmin})
	w.must(err)
	for name, tt := range map[string]struct {
		id     messages.KeyID
		change messages.KeyChange
		param  string
	}{
		"a member to admin":  {key.ID, messages.KeyChange{Role: new(messages.KeyAdmin)}, "role"},
		"an admin to member": {ops.ID, messages.KeyChange{Role: new(messages.KeyMember)}, "role"},
		"to no role":         {key.ID, messages.KeyChange{Role: new(messages.KeyRole("owner"))}, "role"},
		"an admin's scopes":  {ops.ID, messages.KeyChange{Scopes: new(messages.ScopeChat)}, "scopes"},
		"an admin's models":  {ops.ID, messages.KeyChange{Models: &[]string{"a"}}, "models"},
		"an end that was":    {key.ID, messages.KeyChange{Expires: new(time.Now().Add(-time.Second))}, "expires"},
		"two lines":          {key.ID, messages.KeyChange{Name: new("a\nb")}, "name"},
		"no model":           {key.ID, messages.KeyChange{Models: &[]string{"*a"}}, "models"},
	} {
		if _, err := w.admin.ChangeKey(t.Context(), tt.id, tt.change); messages.AsFailure(err).Param != tt.param {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.admin.ChangeKey(t.Context(), "nobody", messages.KeyChange{}); messages.CodeOf(err) != messages.CodeInvalidKey {
		t.Errorf("no key: %v", err)
	}
}

func TestKeyMayWhatItWasGivenWithinItsTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		_, err := w.admin.ChangeTenant(t.Context(), w.acme.ID, messages.TenantChange{Providers: &[]string{"b", "a", "b"}})
		w.must(err)
		key, secret, err := w.admin.CreateKey(t.Context(), tenant.KeySpec{
			Tenant: w.acme.ID, Role: messages.KeyReadOnly, Scopes: messages.ScopeChat | messages.ScopeUsage,
			Allowance: messages.Allowance{Models: []string{"gpt-*"}}, Class: "batch",
		})
		w.must(err)
		got, err := w.keys.Authenticate(t.Context(), secret.Reveal())
		w.must(err)
		want := messages.Principal{
			Tenant: w.acme.ID, Key: key.ID, Role: messages.KeyReadOnly, Scopes: messages.ScopeChat | messages.ScopeUsage, Class: "batch",
			Allowed: &messages.Allowed{Tenant: messages.Allowance{Providers: []string{"a", "b"}}, Key: messages.Allowance{Models: []string{"gpt-*"}}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("principal (-want +got):\n%s", diff)
		}
		_, err = w.admin.ChangeKey(t.Context(), key.ID, messages.KeyChange{Models: &[]string{}, Scopes: new(messages.Scopes(0)), Role: new(messages.KeyMember), Class: new(messages.KeyClass(""))})
		w.must(err)
		_, err = w.admin.ChangeTenant(t.Context(), w.acme.ID, messages.TenantChange{Providers: &[]string{}})
		w.must(err)
		time.Sleep(settle)
		got, err = w.keys.Authenticate(t.Context(), secret.Reveal())
		w.must(err)
		if diff := cmp.Diff(messages.Principal{Tenant: w.acme.ID, Key: key.ID, Role: messages.KeyMember}, got); diff != "" {
			t.Errorf("once it may all (-want +got):\n%s", diff)
		}
	})
}

func TestDisabledTenantsKeysOpenNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		_, secret := w.key(time.Time{})
		w.code(secret)
		for _, off := range []bool{true, false} {
			_, err := w.admin.ChangeTenant(t.Context(), w.acme.ID, messages.TenantChange{Disabled: &off})
			w.must(err)
			time.Sleep(settle)
			want := messages.Code("")
			if off {
				want = messages.CodePermission
			}
			if code := w.code(secret); code != want {
				t.Errorf("disabled %t: %q", off, code)
			}
			if _, known := w.keys.Recall(secret); known == off {
				t.Errorf("disabled %t: recalled %t", off, known)
			}
			if code := w.code(secret + "x"); code != messages.CodeInvalidKey {
				t.Errorf("disabled %t, a wrong secret: %q", off, code)
			}
		}
	})
}

func TestDeletedTenantsKeysDie(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		_, secret := w.key(time.Time{})
		w.code(secret)
		w.store.delete(w.acme.ID)
		time.Sleep(settle)
		if code := w.code(secret); code != messages.CodeInvalidKey {
			t.Errorf("got %q", code)
		}
		if _, _, err := w.admin.CreateKey(t.Context(), tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember}); messages.AsFailure(err).Param != "tenant" {
			t.Errorf("another key of it: %v", err)
		}
	})
}

// record runs what brings uses to the store, until the test says.
func (w *world) record() (stop func()) {
	ended, stopRecording := recording(w.t, w.keys)
	return func() {
		stopRecording()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	}
}

func TestLastUseIsBroughtToTheStoreInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		stop := w.record()
		one, oneSecret := w.key(time.Time{})
		two, twoSecret := w.key(time.Time{})
		_, unused := w.key(time.Time{})
		time.Sleep(settle)
		for range 5 {
			for _, presented := range []string{oneSecret, twoSecret, unused + "x"} {
				w.code(presented)
			}
			time.Sleep(time.Second)
		}
		last := time.Now().Add(-time.Second)
		time.Sleep(30 * time.Second)
		w.store.set(func(s *store) {
			if len(s.marked) != 1 || len(s.marked[0]) != 2 {
				t.Fatalf("the store was told %v", s.marked)
			}
			for _, use := range s.marked[0] {
				if use.ID != one.ID && use.ID != two.ID || use.At.Before(last) || use.At.After(last.Add(time.Second)) {
					t.Errorf("%s was used at %s, want %s", use.ID, use.At, last)
				}
			}
		})
		time.Sleep(2 * time.Minute)
		w.code(oneSecret)
		w.store.set(func(s *store) {
			if len(s.marked) != 1 {
				t.Errorf("the store was told of no use: %v", s.marked)
			}
		})
		stop()
		w.store.set(func(s *store) {
			if len(s.marked) != 2 || s.marked[1][0].ID != one.ID {
				t.Errorf("at the end the store was told %v", s.marked)
			}
		})
	})
}

// A use that the store did not take is brought with the next ones, also when all
// that was known of keys was forgotten meanwhile.
func TestLastUseOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *tenant.Config) { c.OutageGrace = 0 })
		defer w.record()()
		key, secret := w.key(time.Time{})
		time.Sleep(settle)
		used := time.Now()
		w.code(secret)
		w.store.set(func(s *store) { s.away = errors.New("connection refused") })
		time.Sleep(2 * time.Minute)
		w.store.set(func(s *store) { s.away = nil })
		time.Sleep(30 * time.Second)
		w.store.set(func(s *store) {
			if len(s.marked) != 1 || s.marked[0][0].ID != key.ID || s.marked[0][0].At.Sub(used).Abs() > time.Second {
				t.Errorf("the store was told %v, want %s at %s", s.marked, key.ID, used)
			}
		})
	})
}
