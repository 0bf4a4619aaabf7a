//go:build !race

package conversation_test

import (
	"context"
	"runtime"
	"runtime/metrics"
	"testing"
	"testing/synctest"

	"example.com/parley/actors/conversation"
	"example.com/parley/messages"
	"example.com/parley/messages/parking"
)

// The collector gives a stack of 8 KB back by half where less than a quarter of it is in
// use, and a turn waits for its provider nearly all the time. So the calls that lead to
// the wait must have less than 1,248 bytes in all. The race detector adds to each.
func TestATurnThatWaitsHasASmallStack(t *testing.T) { //nolint:paralleltest // the stacks of others would be counted
	synctest.Test(t, func(t *testing.T) {
		const turns, most = 400, 6000
		w := newWorld(t, hello()...)
		silence := &silence{w.models, make(chan struct{})}
		w.deps.Models = silence
		pool := w.pool()
		before := stacks()
		for range turns {
			pool.Send(w.stateless("hi"))
		}
		synctest.Wait()
		if each := (stacks() - before) / turns; each > most {
			t.Errorf("the stack of a turn that waits has %d bytes, want 4096", each)
		}
		close(silence.over)
	})
}

// stacks is how many bytes all stacks have once no more can be given back.
func stacks() int {
	runtime.GC()
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64()) // #nosec G115 -- of a test
}

// silence has models that say nothing until it is over.
type silence struct {
	*models

	over chan struct{}
}

func (s *silence) Open(ctx context.Context, target messages.Target, call *messages.Call) (conversation.Answer, error) {
	answer, err := s.models.Open(ctx, target, call)
	return &silentAnswer{answer, s.over}, err
}

type silentAnswer struct {
	conversation.Answer

	over chan struct{}
}

// Await implements conversation.Awaited. It needs a stack of 8 KB for a moment, as what
// reads a chunk may, and waits with as much of it as a wait for a connection has.
func (a *silentAnswer) Await(parking.Waiter) bool {
	var connection [128]byte // more than what a wait for a channel has
	descend(4)
	<-a.over
	runtime.KeepAlive(&connection)
	return false
}

// descend has a kilobyte a level on the stack.
func descend(levels int) byte {
	var frame [1 << 10]byte
	if levels > 0 {
		frame[levels] = descend(levels - 1)
	}
	return frame[levels]
}
