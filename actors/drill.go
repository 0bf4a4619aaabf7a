package actors

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// A drill has an actor fail on purpose, while others work, so that everybody can
// see what else does. The failpoint is a receiver in front of an actor's own, and
// there only where the configuration allows drills: without them it costs nothing,
// and nothing can set it off.

// fault, sent to a part, is a panic in it.
type fault struct{}

// faultIn is a panic in a conversation's actor, to which its shard passes it on.
type faultIn struct{ ref messages.ConversationRef }

// To implements messages.Addressed.
func (m *faultIn) To() messages.ConversationRef { return m.ref }

// failpoint panics where the actor would receive an F.
func failpoint[F any](next actor.ReceiverFunc) actor.ReceiverFunc {
	return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
		if _, hit := envelope.Message.(F); hit {
			panic("a drill")
		}
		next(ctx, envelope)
	}
}

// drilled puts the failpoint for F in front of the actors of props, where drills
// are allowed.
func drilled[F any](allowed bool, props *actor.Props) *actor.Props {
	if !allowed {
		return props
	}
	return props.Configure(actor.WithReceiverMiddleware(failpoint[F]))
}

// failPart asks the root to have a part fail.
type failPart struct {
	name  string
	reply chan<- []string // capacity 1; the names that there are, where that is none of them
}

// fail passes a fault on, or tells the names of those who could have it.
func (t *tree) fail(ctx actor.Context, m *failPart) {
	if pid := t.parts[m.name]; pid != nil {
		ctx.Send(pid, &fault{})
		m.reply <- nil
		return
	}
	names := make([]string, 0, len(t.parts))
	for name := range t.parts {
		if kind, _, _ := strings.Cut(name, "-"); kind != "shard" && kind != "turns" && kind != "sessions" { // of which there are very many
			names = append(names, name)
		}
	}
	slices.Sort(names)
	m.reply <- names
}

// FailPart has a part of the tree fail, such as router or provider-openai.
func (s *System) FailPart(name string) error {
	reply := make(chan []string, 1)
	s.system.Root.Send(s.root, &failPart{name: name, reply: reply})
	select {
	case names := <-reply:
		if names == nil {
			return nil
		}
		return &messages.Failure{
			Code: messages.CodeItemAbsent, What: fmt.Sprintf("there is no actor %q", name), Param: "actor",
			Do: fmt.Sprintf("name one of %s, shard-0 to shard-%d, turns-0 and on, or sessions-0 and on", strings.Join(names, ", "), messages.Shards-1),
		}
	case <-time.After(spawnPatience):
		return fmt.Errorf("fail %s: no answer within %s", name, spawnPatience)
	}
}

// FailShard has the shard of a conversation fail, and with it all conversations
// that it has.
func (s *System) FailShard(ref messages.ConversationRef) {
	s.system.Root.Send(s.shards[messages.ShardOf(ref)], &fault{})
}

// FailConversation has a conversation's actor fail.
func (s *System) FailConversation(ref messages.ConversationRef) {
	s.Here(&faultIn{ref: ref})
}
