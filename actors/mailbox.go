package actors

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
)

// mailbox counts what waits for the actors of one kind. It costs two atomic
// additions a message.
type mailbox struct{ waiting atomic.Int64 }

// newMailbox makes the count of a kind visible.
func newMailbox(registerer prometheus.Registerer, kind string) *mailbox {
	m := &mailbox{}
	registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chatbot_mailbox_depth", Help: "Messages that wait for the actors of a kind.",
		ConstLabels: prometheus.Labels{"actor": kind},
	}, func() float64 { return float64(max(0, m.waiting.Load())) }))
	return m
}

// of has the actors of props counted.
func (m *mailbox) of(props *actor.Props) *actor.Props {
	return answering(props, m)
}

// hearAtOnce has the actors of props hear what they are sent in the goroutine of
// whoever sends it, or, while they are at something, in that which is at it: a request
// wakes no goroutine for each actor on its way. It is for actors that never wait, to
// which nobody sends while holding a lock that they take.
func hearAtOnce(props *actor.Props) *actor.Props {
	return props.Configure(actor.WithDispatcher(actor.NewSynchronizedDispatcher(heardInARow)))
}

// heardInARow is how many messages an actor hears before others may run, as the
// library has it.
const heardInARow = 300

// MailboxStarted implements actor.MailboxMiddleware.
func (*mailbox) MailboxStarted() {}

// MessagePosted implements actor.MailboxMiddleware.
func (m *mailbox) MessagePosted(any) { m.waiting.Add(1) }

// MessageReceived implements actor.MailboxMiddleware.
func (m *mailbox) MessageReceived(any) { m.waiting.Add(-1) }

// MailboxEmpty implements actor.MailboxMiddleware.
func (*mailbox) MailboxEmpty() {}
