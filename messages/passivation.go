package messages

// MayStop asks a conversation that has heard nothing for a while whether it has
// anything left to do. Only its shard sends it.
//
// A message that is queued behind an actor's stop is lost without a word. So a
// conversation never stops itself: it is asked, agrees, and is stopped by the
// shard, through which every message to it comes.
type MayStop struct {
	Ref  ConversationRef
	Sent uint64 // messages that the shard has sent it so far
}

// ReadyToStop agrees. The shard ignores it when it has sent more since.
type ReadyToStop struct {
	Ref  ConversationRef
	Sent uint64 // of the MayStop that is answered
}
