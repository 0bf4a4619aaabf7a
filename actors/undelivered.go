package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// answering gives actors a mailbox that declines what still waits in it when they
// stop. The library drops such messages without a word, and an actor that failed
// too often does not even look at them any more; whoever asked would wait in vain,
// and what was taken up for the request would never be given back.
func answering(props *actor.Props, counts ...actor.MailboxMiddleware) *actor.Props {
	produce := actor.UnboundedLockfree(counts...)
	return props.Configure(actor.WithMailbox(func() actor.Mailbox {
		return &answeringMailbox{Mailbox: produce(), counts: counts}
	}))
}

// answeringMailbox stands between a mailbox and its actor.
type answeringMailbox struct {
	actor.Mailbox
	actor.MessageInvoker

	counts  []actor.MailboxMiddleware
	stopped bool // used where messages are processed alone, one at a time
}

// RegisterHandlers implements actor.Mailbox.
func (m *answeringMailbox) RegisterHandlers(invoker actor.MessageInvoker, dispatcher actor.Dispatcher) {
	m.MessageInvoker = invoker
	m.Mailbox.RegisterHandlers(m, dispatcher)
}

// PostSystemMessage implements actor.Mailbox. The mailbox of an actor that failed
// is suspended, and stays so when the actor is stopped.
func (m *answeringMailbox) PostSystemMessage(message any) {
	m.Mailbox.PostSystemMessage(message)
	if _, stops := message.(*actor.Stop); stops {
		m.Mailbox.PostSystemMessage(&actor.ResumeMailbox{})
	}
}

// InvokeSystemMessage implements actor.MessageInvoker.
func (m *answeringMailbox) InvokeSystemMessage(message any) {
	m.MessageInvoker.InvokeSystemMessage(message)
	if _, stops := message.(*actor.Stop); stops {
		m.stopped = true
	}
}

// InvokeUserMessage implements actor.MessageInvoker.
func (m *answeringMailbox) InvokeUserMessage(message any) {
	if m.stopped {
		decline(actor.UnwrapEnvelopeMessage(message))
		return
	}
	m.MessageInvoker.InvokeUserMessage(message)
}

// EscalateFailure implements actor.MessageInvoker. The library tells nobody that the
// message was received whose actor failed.
func (m *answeringMailbox) EscalateFailure(reason, message any) {
	for _, count := range m.counts {
		count.MessageReceived(message)
	}
	m.MessageInvoker.EscalateFailure(reason, message)
}

// declineDeadLetter answers what was sent to an actor that is gone, so that
// nobody waits for it until a deadline.
func declineDeadLetter(event any) {
	if letter, dead := event.(*actor.DeadLetterEvent); dead {
		decline(letter.Message)
	}
}

func decline(message any) {
	messages.Decline(message, &messages.Failure{
		Code: messages.CodeRestarted, What: "the part of the server that this request was sent to has stopped",
		Do: "send the request again", RetryAfter: time.Second,
	})
}
