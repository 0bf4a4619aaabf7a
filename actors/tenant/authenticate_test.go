package tenant_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/actors/tenant"
	"example.com/parley/messages"
)

func TestKeyTellsWhoPresentsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key, secret := w.key(time.Time{})
	got, err := w.keys.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	want := messages.Principal{Tenant: w.acme.ID, Key: key.ID, Role: messages.KeyMember}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
}

func TestKeyMayWhatItsTenantMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		_, secret := w.key(time.Time{})
		for _, may := range []bool{true, false} {
			if _, err := w.admin.ChangeTenant(t.Context(), w.acme.ID, messages.TenantChange{MayRoute: &may}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second) // the servers look for changes
			if got, err := w.keys.Authenticate(t.Context(), secret); err != nil || got.MayRoute != may {
				t.Errorf("it may route: %t, %v, want %t", got.MayRoute, err, may)
			}
		}
	})
}

func TestKeyIsRecalledOnceItWasSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		_, secret := w.key(time.Time{})
		time.Sleep(2 * time.Second) // the keys' version is known, and does not change any more
		if who, known := w.keys.Recall(secret); known {
			t.Errorf("a key that nobody presented is %+v", who)
		}
		authenticated, err := w.keys.Authenticate(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		if who, known := w.keys.Recall(secret); !known || who != authenticated {
			t.Errorf("recalled %+v, %t; want %+v", who, known, authenticated)
		}
		for _, wrong := range []string{"", "no key", secret + "x"} {
			if who, known := w.keys.Recall(wrong); known {
				t.Errorf("%q is %+v", wrong, who)
			}
		}
	})
}

func TestStoreIsAskedOnceForAKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		_, secret := w.key(time.Time{})
		synctest.Wait() // the keys' first version is in
		time.Sleep(2 * time.Second)
		w.store.set(func(s *store) { s.slow = 100 * time.Millisecond })
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if code := w.code(secret); code != "" {
					t.Errorf("got %s", code)
				}
			})
		}
		all.Wait()
		if asked := w.store.questions(); asked != 1 {
			t.Errorf("the store was asked %d times", asked)
		}
	})
}

func TestKeyThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	_, secret := w.key(time.Time{})
	revoked, revokedSecret := w.key(time.Time{})
	if err := w.admin.RevokeKey(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	id := strings.Split(secret, "_")[1]
	for name, presented := range map[string]string{
		"nothing":            "",
		"no prefix":          strings.TrimPrefix(secret, "pk_"),
		"no secret":          "pk_" + id,
		"an empty secret":    "pk_" + id + "_",
		"an empty id":        "pk__" + strings.Repeat("a", 64),
		"another secret":     "pk_" + id + "_" + strings.Repeat("a", 64),
		"half the secret":    secret[:len(secret)-1],
		"more than it":       secret + "0",
		"another id":         "pk_0123456789abcdef_" + strings.Repeat("a", 64),
		"revoked":            revokedSecret,
		"an id with a quote": "pk_a'b_" + strings.Repeat("a", 64),
		"an endless one":     "pk_" + id + "_" + strings.Repeat("a", 1<<20),
	} {
		if code := w.code(presented); code != messages.CodeInvalidKey {
			t.Errorf("%s: got %q", name, code)
		}
	}
}

func TestKeyExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		_, secret := w.key(time.Now().Add(time.Hour))
		if code := w.code(secret); code != "" {
			t.Errorf("before: %s", code)
		}
		time.Sleep(time.Hour)
		if code := w.code(secret); code != messages.CodeInvalidKey {
			t.Errorf("after: %q", code)
		}
	})
}

func TestRevokedKeyDiesSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		key, secret := w.key(time.Time{})
		if code := w.code(secret); code != "" {
			t.Fatalf("before: %s", code)
		}
		if err := w.admin.RevokeKey(t.Context(), key.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond)
		if code := w.code(secret); code != messages.CodeInvalidKey {
			t.Errorf("after a second: %q", code)
		}
	})
}

// A key that is read while it is being revoked must not be remembered.
func TestKeyThatChangesWhileItIsLoadedIsNotRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		key, secret := w.key(time.Time{})
		time.Sleep(1500 * time.Millisecond) // between two looks for changes
		slow := &slowReader{store: w.store}
		keys, err := tenant.New(tenant.DefaultConfig(), tenant.Deps{Store: slow, Registerer: newRegistry()})
		if err != nil {
			t.Fatal(err)
		}
		spawn(t, keys)
		synctest.Wait()
		done := make(chan error, 1)
		go func() {
			_, err := keys.Authenticate(context.Background(), secret)
			done <- err
		}()
		synctest.Wait() // it has read the key, and is on its way back with it
		if err := w.admin.RevokeKey(t.Context(), key.ID); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("the request that asked before: %v", err)
		}
		time.Sleep(1100 * time.Millisecond)
		if _, err := keys.Authenticate(context.Background(), secret); messages.CodeOf(err) != messages.CodeInvalidKey {
			t.Errorf("the key that was read before it was revoked opens: %v", err)
		}
	})
}

// slowReader reads a key at once, and takes long to return it.
type slowReader struct{ *store }

func (s *slowReader) Key(ctx context.Context, id messages.KeyID) (messages.APIKey, error) {
	key, err := s.store.Key(ctx, id)
	time.Sleep(1500 * time.Millisecond)
	return key, err
}

func TestStoreAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		_, known := w.key(time.Time{})
		_, unknown := w.key(time.Time{})
		time.Sleep(2 * time.Second)
		if code := w.code(known); code != "" {
			t.Fatalf("before: %s", code)
		}
		w.store.set(func(s *store) { s.away = errors.New("connection refused") })
		if code := w.code(unknown); code != messages.CodeStoreUnavailable {
			t.Errorf("an unknown key: %q", code)
		}
		time.Sleep(4 * time.Minute)
		if code := w.code(known); code != "" {
			t.Errorf("a known key after four minutes: %s", code)
		}
		time.Sleep(2 * time.Minute)
		if code := w.code(known); code != messages.CodeStoreUnavailable {
			t.Errorf("a known key after six minutes: %q", code)
		}
		w.store.set(func(s *store) { s.away = nil })
		if code := w.code(known); code != "" {
			t.Errorf("once the store is back: %s", code)
		}
	})
}

func TestStoreThatHangsOrPanicsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*store){
		"hangs":  func(s *store) { s.slow = time.Hour },
		"panics": func(s *store) { s.panics = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				_, secret := w.key(time.Time{})
				time.Sleep(1500 * time.Millisecond)
				w.store.set(fault)
				before := time.Now()
				if code := w.code(secret); code != messages.CodeStoreUnavailable {
					t.Errorf("got %q", code)
				}
				if took := time.Since(before); took > 3*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

func TestAbsentKeyIsRememberedForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		time.Sleep(1500 * time.Millisecond)
		const absent = "pk_nobody_secret"
		for range 20 {
			if code := w.code(absent); code != messages.CodeInvalidKey {
				t.Fatalf("got %q", code)
			}
		}
		if asked := w.store.questions(); asked != 1 {
			t.Errorf("the store was asked %d times", asked)
		}
		time.Sleep(11 * time.Second)
		w.code(absent)
		if asked := w.store.questions(); asked != 2 {
			t.Errorf("later, the store was asked %d times", asked)
		}
	})
}

func TestQuestionsToTheStoreAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *tenant.Config) { c.MaxLoads = 4 })
		time.Sleep(1500 * time.Millisecond)
		w.store.set(func(s *store) { s.slow = time.Second })
		codes := make(chan messages.Code, 10)
		for i := range 10 {
			go func() { codes <- w.code("pk_nobody" + string(rune('a'+i)) + "_secret") }()
		}
		count := make(map[messages.Code]int)
		for range 10 {
			count[<-codes]++
		}
		want := map[messages.Code]int{messages.CodeInvalidKey: 4, messages.CodeOverloaded: 6}
		if diff := cmp.Diff(want, count); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestRequestThatEndsDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		time.Sleep(1500 * time.Millisecond)
		w.store.set(func(s *store) { s.slow = time.Hour })
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := w.keys.Authenticate(ctx, "pk_nobody_secret"); messages.CodeOf(err) != messages.CodeStoreUnavailable {
			t.Errorf("got %v", err)
		}
	})
}

func TestKeysWaitForTheirActor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys, err := tenant.New(tenant.DefaultConfig(), tenant.Deps{Store: &store{}, Registerer: newRegistry()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Authenticate(t.Context(), "pk_a_b"); messages.CodeOf(err) != messages.CodeStoreUnavailable {
			t.Errorf("without one: %v", err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := keys.Authenticate(context.Background(), "pk_a_b")
			done <- err
		}()
		synctest.Wait()
		spawn(t, keys)
		if err := <-done; messages.CodeOf(err) != messages.CodeInvalidKey {
			t.Errorf("with one: %v", err)
		}
	})
}

func TestAuthenticateAllocatesNothing(t *testing.T) {
	w := newWorld(t, nil)
	_, secret := w.key(time.Time{})
	remember(t, w, secret)
	if n := testing.AllocsPerRun(100, func() { w.code(secret) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkAuthenticate backs what Authenticate's comment says of its cost.
func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld(b, nil)
	_, secret := w.key(time.Time{})
	remember(b, w, secret)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := w.keys.Authenticate(context.Background(), secret); err != nil {
				b.Error(err)
			}
		}
	})
}

// remember presents a key until it is answered from memory.
func remember(tb testing.TB, w *world, secret string) {
	tb.Helper()
	for asked := -1; asked != w.store.questions(); {
		asked = w.store.questions()
		if code := w.code(secret); code != "" {
			tb.Fatal(code)
		}
		time.Sleep(10 * time.Millisecond) // the first look for changes forgets what was known before
	}
}
