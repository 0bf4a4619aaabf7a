package edge

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A node that says it is ready has heard of a server, and follows it in a moment.
func TestRequestsWaitForTheFirstServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &place{found: make(chan struct{})}
		if _, err := p.await(t.Context()); err == nil {
			t.Error("a request is for a server that nobody knows of")
		}
		p.expect()
		first := &followed{peer: &peer{address: "first"}}
		go func() { // which follows it
			time.Sleep(time.Second)
			p.hold(first)
		}()
		if got, err := p.await(context.Background()); got != first || err != nil {
			t.Errorf("a request is for %v, %v", got, err)
		}
	})
}
