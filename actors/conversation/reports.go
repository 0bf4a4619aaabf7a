package conversation

// What a goroutine reports to an actor that has stopped meanwhile is of the
// past. protoactor need not log that it came too late.

// IgnoreDeadLetterLogging implements actor.IgnoreDeadLetterLogging.
func (*turnDone) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging implements actor.IgnoreDeadLetterLogging.
func (*editDone) IgnoreDeadLetterLogging() {}

// IgnoreDeadLetterLogging implements actor.IgnoreDeadLetterLogging.
func (*woken) IgnoreDeadLetterLogging() {}
