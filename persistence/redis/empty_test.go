package redis_test

import (
	"testing"
	"time"

	"example.com/parley/messages"
)

func TestTenantsRecordsAreTakenOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.two()
	for n := range uint64(1200) { // more than one look is about
		a.records.Put(name("acme", n), []byte("theirs"), time.Minute)
		if n%500 == 0 {
			a.comes(name("acme", n), "theirs") // no more wait than may
		}
	}
	a.records.Put(name("acme*", 1), []byte("others"), time.Minute)
	a.records.Put(name("acmes", 1), []byte("others"), time.Minute)
	b.comes(name("acmes", 1), "others")
	if err := b.records.Empty(t.Context(), "acme*"); err != nil {
		t.Fatal(err)
	}
	b.wants(name("acmes", 1), "others")
	b.wants(name("acme*", 1), "")
	if err := b.records.Empty(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	a.wants(name("acme", 7), "")
	a.wants(name("acme", 1199), "")
	b.wants(name("acmes", 1), "others")
	if left := r.keys("*entry:acme:*"); len(left) != 0 {
		t.Errorf("%d are left", len(left))
	}
}

func TestRedisThatIsGoneEmptiesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gate := r.newGate(false)
	n := r.open()
	gate.close()
	if err := n.records.Empty(t.Context(), "acme"); messages.CodeOf(err) != messages.CodeStoreUnavailable {
		t.Errorf("got %v", err)
	}
}
