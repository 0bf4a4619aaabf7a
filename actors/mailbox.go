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

// MailboxStarted implements actor.MailboxMiddleware.
func (*mailbox) MailboxStarted() {}

// MessagePosted implements actor.MailboxMiddleware.
func (m *mailbox) MessagePosted(any) { m.waiting.Add(1) }

// MessageReceived implements actor.MailboxMiddleware.
func (m *mailbox) MessageReceived(any) { m.waiting.Add(-1) }

// MailboxEmpty implements actor.MailboxMiddleware.
func (*mailbox) MailboxEmpty() {}
