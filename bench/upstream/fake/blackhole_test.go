package fake_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"example.com/parley/bench/upstream/fake"
)

func TestBlackHoleDropsWhoeverConnects(t *testing.T) {
	t.Parallel()
	upstream := fake.ForTest(t, fake.Config{})
	address := upstream.Address()
	if err := upstream.Close(); err != nil {
		t.Fatal(err)
	}
	hole, err := fake.OpenBlackHole(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	dialer := net.Dialer{Timeout: 100 * time.Millisecond}
	for range 3 {
		connected, err := dialer.DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = connected.Close()
			t.Fatal("it can be reached")
		}
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			t.Errorf("it cannot be reached: %v", err)
		}
	}
	if err := hole.Close(); err != nil {
		t.Error(err)
	}
	again := fake.New(fake.Config{Address: address})
	if err := again.Start(t.Context()); err != nil {
		t.Fatalf("its address is taken afterwards: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
