package etcd_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"example.com/parley/messages"
	"example.com/parley/persistence/etcd"
)

// An etcd that was away for long is found again at once: who is late takes longer than
// those who came first wait before they remove others.
func TestEtcdThatIsBackIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	at, err := url.Parse(service(t, "PARLEY_TEST_ETCD_URL"))
	if err != nil {
		t.Fatal(err)
	}
	way := listen(t, "127.0.0.1:0")
	address := way.Addr().String()
	_ = way.Close() // nobody listens there
	registry, err := etcd.Open(etcd.Config{Endpoints: []string{"http://" + address}, Prefix: "test-" + rand.Text()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	// It answers that nobody of that name is a member, once it is reached.
	answers := func() bool {
		ctx, release := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer release()
		_, err := registry.Renew(ctx, messages.MemberID("node_nobody"), lease)
		return errors.Is(err, messages.ErrRemoved)
	}
	for begun := time.Now(); time.Since(begun) < 12*time.Second; {
		if answers() {
			t.Fatal("it answers, and is not there")
		}
	}
	carry(t, listen(t, address), at.Host)
	back := time.Now()
	for !answers() {
		if time.Since(back) > 30*time.Second {
			t.Fatal("it is not found again")
		}
	}
	if took := time.Since(back); took > lease {
		t.Errorf("it was found after %s, and a lease is %s", took, lease)
	}
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// carry brings what comes over a listener to an address, until the test ends.
func carry(t *testing.T, from net.Listener, to string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var parts sync.WaitGroup
	t.Cleanup(func() {
		stop()
		_ = from.Close()
		parts.Wait()
	})
	parts.Go(func() {
		for {
			near, err := from.Accept()
			if err != nil {
				return
			}
			far, err := new(net.Dialer).DialContext(ctx, "tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			both := func() {
				_ = near.Close()
				_ = far.Close()
			}
			parts.Go(func() { defer both(); _, _ = io.Copy(far, near) })
			parts.Go(func() { defer both(); _, _ = io.Copy(near, far) })
			context.AfterFunc(ctx, both)
		}
	})
}
