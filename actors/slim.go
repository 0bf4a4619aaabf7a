package actors

import (
	"runtime"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// slim is the mailbox of an actor of which there are very many that idle: 80
// bytes, where protoactor's own mailbox has 330 with its queues. It keeps
// protoactor's promises: messages are handed over one at a time, in the order of
// each sender, and system messages overtake the others, which wait while the
// actor is suspended. It has no bound: a conversation refuses what it will not
// have wait.
type slim struct {
	invoker    actor.MessageInvoker
	dispatcher actor.Dispatcher

	mu        sync.Mutex
	first     any      // the user message that is next; nil when none waits
	behind    *backlog // what waits beside it; nil when nothing does
	running   bool     // a goroutine hands messages over
	suspended bool     // until a supervisor has decided what becomes of the actor
}

// backlog is what waits behind the first message.
type backlog struct{ system, user []any }

func newSlim() actor.Mailbox { return &slim{} }

// RegisterHandlers implements actor.Mailbox. It is called before the first
// message is posted.
func (m *slim) RegisterHandlers(invoker actor.MessageInvoker, dispatcher actor.Dispatcher) {
	m.invoker, m.dispatcher = invoker, dispatcher
}

// Start implements actor.Mailbox.
func (*slim) Start() {}

// PostUserMessage implements actor.Mailbox. A batch is not taken apart: nobody
// sends one.
func (m *slim) PostUserMessage(message any) {
	m.post(func() {
		if m.first == nil {
			m.first = message
			return
		}
		m.wait().user = append(m.wait().user, message)
	})
}

// PostSystemMessage implements actor.Mailbox.
func (m *slim) PostSystemMessage(message any) {
	m.post(func() { m.wait().system = append(m.wait().system, message) })
}

// UserMessageCount implements actor.Mailbox.
func (m *slim) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := 0
	if m.first != nil {
		count++
	}
	if m.behind != nil {
		count += len(m.behind.user)
	}
	return count
}

// post puts a message into its place, and starts the goroutine that hands it
// over unless one is at it.
func (m *slim) post(put func()) {
	m.mu.Lock()
	put()
	start := !m.running
	m.running = true
	m.mu.Unlock()
	if start {
		m.dispatcher.Schedule(m.work)
	}
}

// wait returns the backlog. The mutex is held.
func (m *slim) wait() *backlog {
	if m.behind == nil {
		m.behind = &backlog{}
	}
	return m.behind
}

// work hands messages over until none is left that may be. It ends with running
// put back to false.
func (m *slim) work() {
	for m.handOver() {
	}
}

// handOver does the work up to the first panic, which is the supervisor's to
// decide on. It tells whether there was one.
func (m *slim) handOver() (panicked bool) {
	var message any
	defer func() {
		if reason := recover(); reason != nil {
			m.invoker.EscalateFailure(reason, message)
			panicked = true
		}
	}()
	for handed := 1; ; handed++ {
		var system, found bool
		if message, system, found = m.take(); !found {
			return false
		}
		m.invoke(message, system)
		if handed%m.dispatcher.Throughput() == 0 {
			runtime.Gosched()
		}
	}
}

func (m *slim) invoke(message any, system bool) {
	if system {
		m.invoker.InvokeSystemMessage(message)
		return
	}
	m.invoker.InvokeUserMessage(message)
}

// take takes the message that is to be handed over next. When there is none the
// goroutine has to end: the next message starts another.
func (m *slim) take() (message any, system, found bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.behind != nil && len(m.behind.system) > 0 {
		message = m.shift(&m.behind.system)
		if !m.suspends(message) {
			return message, true, true
		}
	}
	if m.suspended || m.first == nil {
		m.running = false
		return nil, false, false
	}
	message, m.first = m.first, nil
	if m.behind != nil && len(m.behind.user) > 0 {
		m.first = m.shift(&m.behind.user)
	}
	return message, false, true
}

// shift takes the first of a queue, and lets an empty backlog go.
func (m *slim) shift(queue *[]any) any {
	message := (*queue)[0]
	(*queue)[0] = nil
	*queue = (*queue)[1:]
	if len(m.behind.system) == 0 && len(m.behind.user) == 0 {
		m.behind = nil
	}
	return message
}

// suspends does what a message to the mailbox itself asks for, and tells whether
// it was one.
func (m *slim) suspends(message any) bool {
	switch message.(type) {
	case *actor.SuspendMailbox:
		m.suspended = true
	case *actor.ResumeMailbox:
		m.suspended = false
	default:
		return false
	}
	return true
}
