package batch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"example.com/parley/messages"
)

// Turns takes turns. actors.System is one.
type Turns interface {
	Send(m *messages.StartTurn) error
}

// How long a request waits that was refused because the server was busy: from the
// time that the refusal named, doubled with each further one. Some of it is
// chance, so that a batch does not come back all at once.
const (
	shortestWait = 100 * time.Millisecond
	longestWait  = 15 * time.Second
)

// answer asks a request until it is answered, its time is over, or it fails for
// another reason than that the server is busy: nobody sits in front of a batch, so
// it waits for quieter times instead of failing.
func answer(ctx context.Context, turns Turns, r *messages.BatchRequest) (body []byte, err error) {
	if r.Err != nil {
		return nil, r.Err
	}
	for n := 0; ; n++ {
		body, err = once(ctx, turns, r)
		pause, busy := refused(err, n)
		if !busy || time.Now().Add(pause).After(r.Turn.Deadline) || !wait(ctx, pause) {
			return body, err
		}
	}
}

// refused tells whether a request never came to be carried out since the server
// had too much to do, and how long to wait then.
func refused(err error, n int) (pause time.Duration, busy bool) {
	f := messages.AsFailure(err)
	switch {
	case err == nil:
		return 0, false
	case f.Code == messages.CodeOverloaded, f.Code == messages.CodeProviderBusy, f.Code == messages.CodeTenantQueueFull:
		pause = min(max(f.RetryAfter, shortestWait)<<min(n, 8), longestWait)
		return pause/2 + rand.N(pause/2), true // #nosec G404 -- no secret
	default:
		return 0, false
	}
}

// wait is false where ctx ended first.
func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// once asks a request. A panic is its failure, and nobody else's.
func once(ctx context.Context, turns Turns, r *messages.BatchRequest) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = messages.AsFailure(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	turn := messages.NewStartTurn(ctx, r.Turn)
	if err := turns.Send(turn); err != nil {
		return nil, err
	}
	select {
	case started := <-turn.Reply:
		if started.Err != nil {
			return nil, started.Err
		}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return collect(ctx, turn, r.Collector())
}

// collect reads a turn to its end.
func collect(ctx context.Context, turn *messages.StartTurn, reply messages.Collector) ([]byte, error) {
	for {
		select {
		case c, open := <-turn.Chunks:
			switch {
			case !open:
				return nil, &messages.Failure{
					Code: messages.CodeRestarted, What: "the turn broke off without a word", Do: "send the request again",
				}
			case c.Kind == messages.ChunkEnd && c.End.Err != nil:
				return nil, c.End.Err
			}
			reply.Add(c)
			if c.Kind == messages.ChunkEnd {
				return reply.Append(nil), nil
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
