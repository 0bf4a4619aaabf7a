package messages

// A conversation is an actor while it has something to do. Then its shard stops
// it and keeps what it remembers, for a while, which takes a fraction of what an
// actor does.
//
// A message that is queued behind an actor's stop is lost without a word. So a
// conversation never stops itself: it says that it is ready, and is stopped by
// the shard, through which every message to it comes.

// ReadyToStop says that its sender has nothing left to do. The shard ignores it
// when it has sent it more than the sender knows of.
type ReadyToStop struct {
	Sent uint64 // requests that the shard has sent it so far
	// Memory is what it is to be given back with [Resume]. The shard does not
	// look into it. It is nil where the next request has to ask the store.
	Memory any
}

// MayStop asks a conversation that has heard nothing for long whether it has
// anything left to do: one that was restarted does not know what it was sent,
// and would wait for ever. Only its shard sends it.
type MayStop struct{ Sent uint64 }

// Resume gives a conversation back what it remembers. It comes before the first
// request.
type Resume struct{ Memory any }

// IgnoreDeadLetterLogging implements actor.IgnoreDeadLetterLogging: that the
// shard has stopped meanwhile need not be logged.
func (*ReadyToStop) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging implements actor.IgnoreDeadLetterLogging: likewise for
// a conversation that has.
func (*MayStop) IgnoreDeadLetterLogging() {}
