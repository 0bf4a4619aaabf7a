package conversation

import (
	"context"

	"example.com/parley/messages"
	"example.com/parley/messages/parking"
)

// Models finds and calls models: the router and the providers together, joined
// in actors.System. Its methods are called by a turn's goroutine.
type Models interface {
	// Permit fails with CodePermission where the request may not ask for what it
	// names. It asks nobody, and is no promise that somebody answers.
	Permit(want messages.Routing) error
	// Route lists where to send a call for a public model name, best first:
	// those whose breaker is open come last or not at all. It fails with
	// CodeModelNotFound (naming the nearest names) or CodeProviderUnavailable.
	Route(want messages.Routing) ([]messages.Target, error)
	// Open calls one target and returns once the provider has answered with
	// success. It makes one attempt; the provider's breaker learns the
	// outcome by itself. Its errors are *messages.Failure; another target may
	// be tried after those for which [mayFallBack] says so.
	Open(ctx context.Context, target messages.Target, call *messages.Call) (Answer, error)
}

// Answer is a provider's reply as it comes in. One goroutine uses it, and
// closes it, whatever happened.
type Answer interface {
	// Next returns the next chunk, the first of which is ChunkOpened, and
	// io.EOF after the last, which is never ChunkEnd: whether a turn is over
	// is not the provider's to say. Any other error is a *messages.Failure.
	Next() (messages.Chunk, error)
	// Close ends the call if it still runs, and frees the connection.
	Close() error
}

// Awaited is an Answer that can be waited for without what it takes to read it. There
// are as many waits as there are streams, and nearly all of them at any time.
type Awaited interface {
	// Await returns false when Next has something to say at once, or at least may have.
	// Where that may take long it does not wait, and returns true: w is resumed then,
	// once, and the answer is its from now on. Await may be told of nobody.
	Await(w parking.Waiter) (parked bool)
}
