package actors

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/asynkron/protoactor-go/actor"
)

// heard plays the actor behind a mailbox. It writes down what it is handed.
type heard struct {
	mailbox actor.Mailbox
	meet    func(message any) // nil: does nothing

	mu       sync.Mutex
	messages []any
	failed   []any // messages that panicked
}

func (h *heard) hear(message any) {
	h.mu.Lock()
	h.messages = append(h.messages, message)
	h.mu.Unlock()
	if h.meet != nil {
		h.meet(message)
	}
}

func (h *heard) InvokeSystemMessage(message any) { h.hear(message) }
func (h *heard) InvokeUserMessage(message any)   { h.hear(message) }
func (h *heard) EscalateFailure(_, message any) {
	h.failed = append(h.failed, message)
	h.mailbox.PostSystemMessage(&actor.SuspendMailbox{})
}

func (h *heard) expect(t *testing.T, want ...any) {
	t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.messages, want) {
		t.Errorf("it was handed %v, want %v", h.messages, want)
	}
}

func newHeard(meet func(any)) *heard {
	h := &heard{mailbox: newSlim(), meet: meet}
	h.mailbox.RegisterHandlers(h, actor.NewDefaultDispatcher(2))
	h.mailbox.Start()
	return h
}

func TestSlimMailboxKeepsTheOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const senders, each = 4, 500
		h := newHeard(nil)
		var sending sync.WaitGroup
		for sender := range senders {
			sending.Go(func() {
				for n := range each {
					h.mailbox.PostUserMessage([2]int{sender, n})
				}
			})
		}
		sending.Wait()
		synctest.Wait()
		var next [senders]int
		for _, m := range h.messages {
			from := m.([2]int)
			if from[1] != next[from[0]] {
				t.Fatalf("message %d of sender %d came as its %dth", from[1], from[0], next[from[0]])
			}
			next[from[0]]++
		}
		if len(h.messages) != senders*each {
			t.Errorf("%d messages came of %d", len(h.messages), senders*each)
		}
	})
}

func TestSlimMailboxLetsSystemMessagesOvertake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h *heard
		h = newHeard(func(m any) {
			if m == "first" {
				h.mailbox.PostUserMessage("second")
				h.mailbox.PostUserMessage("third")
				h.mailbox.PostSystemMessage("stop")
				if got := h.mailbox.UserMessageCount(); got != 2 {
					t.Errorf("%d wait, want 2", got)
				}
			}
		})
		h.mailbox.PostUserMessage("first")
		h.expect(t, "first", "stop", "second", "third")
		if got := h.mailbox.UserMessageCount(); got != 0 {
			t.Errorf("%d wait at the end", got)
		}
	})
}

func TestSlimMailboxHoldsMessagesWhileItsActorIsSuspended(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHeard(func(m any) {
			if m == "bad" {
				panic("a fault in Receive")
			}
		})
		h.mailbox.PostUserMessage("bad")
		h.mailbox.PostUserMessage("good")
		h.expect(t, "bad")
		if !slices.Equal(h.failed, []any{"bad"}) {
			t.Errorf("the supervisor was told of %v", h.failed)
		}
		h.mailbox.PostSystemMessage("restart")
		h.expect(t, "bad", "restart")
		h.mailbox.PostSystemMessage(&actor.ResumeMailbox{})
		h.expect(t, "bad", "restart", "good")
	})
}

func TestSlimMailboxIsSmallWhenEmpty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHeard(nil)
		h.mailbox.PostSystemMessage("started")
		for range 100 {
			h.mailbox.PostUserMessage("m")
		}
		synctest.Wait()
		m := h.mailbox.(*slim)
		if m.behind != nil || m.first != nil {
			t.Error("it keeps something of messages that were handed over")
		}
		if size := unsafe.Sizeof(*m); size > 80 {
			t.Errorf("it has %d bytes", size)
		}
	})
}
