package remote

import (
	"fmt"
	"time"

	"example.com/parley/messages"
)

// ToTurnSpec mirrors s at the time now, from which its deadline is counted.
func ToTurnSpec(s *messages.TurnSpec, now time.Time) *TurnSpec {
	m := &TurnSpec{
		Id:           toTurnID(s.ID),
		Tenant:       string(s.Tenant),
		Key:          string(s.Key),
		Endpoint:     s.Endpoint,
		Conversation: string(s.Conversation),
		Keep:         s.Keep,
		Create:       s.Create,
		Private:      s.Private,
		After:        toTurnID(s.After),
		AfterSeq:     uint64(s.AfterSeq),
		ForkOf:       string(s.ForkOf),

		IdempotencyKey: s.IdempotencyKey,
		Handover:       optional(s.Handover, toHandover),
		Model:          s.Model,
		Override:       toRouteOverride(&s.Override),
		Allowed:        optional(s.Allowed, toAllowed),
		Instructions:   s.Instructions,
		Input:          list(s.Input, toItem),
		Options:        toOptions(&s.Options),
		Stream:         s.Stream,
		Cache:          toCacheControl(&s.Cache),
		Continue:       s.Continue,
		Background:     s.Background,
		Passthrough:    optional(s.Passthrough, toPassthrough),
		Priority:       Priority(s.Priority) + 1,
	}
	if !s.Deadline.IsZero() {
		remaining := s.Deadline.Sub(now).Milliseconds()
		m.RemainingMs = &remaining
	}
	return m
}

// FromTurnSpec reads a mirror that arrived at the time now. It fails where an id
// or the priority is none of ours.
func FromTurnSpec(m *TurnSpec, now time.Time) (messages.TurnSpec, error) {
	id, err := fromTurnID(m.GetId())
	if err != nil {
		return messages.TurnSpec{}, fmt.Errorf("read turn's id: %w", err)
	}
	after, err := fromTurnID(m.GetAfter())
	if err != nil {
		return messages.TurnSpec{}, fmt.Errorf("read what turn %s continues: %w", id, err)
	}
	priority := m.GetPriority() - 1
	if priority < 0 || int(priority) >= messages.Priorities {
		return messages.TurnSpec{}, fmt.Errorf("read turn %s: priority %d is unknown", id, m.GetPriority())
	}
	handover, err := fromHandover(m.GetHandover())
	if err != nil {
		return messages.TurnSpec{}, fmt.Errorf("read what was shown of turn %s: %w", id, err)
	}
	s := messages.TurnSpec{
		ID:           id,
		Tenant:       messages.TenantID(m.GetTenant()),
		Key:          messages.KeyID(m.GetKey()),
		Endpoint:     m.GetEndpoint(),
		Conversation: messages.ConversationID(m.GetConversation()),
		Keep:         m.GetKeep(),
		Create:       m.GetCreate(),
		Private:      m.GetPrivate(),
		After:        after,
		AfterSeq:     messages.Seq(m.GetAfterSeq()),
		ForkOf:       messages.ConversationID(m.GetForkOf()),

		IdempotencyKey: m.GetIdempotencyKey(),
		Handover:       handover,
		Model:          m.GetModel(),
		Override:       fromRouteOverride(m.GetOverride()),
		Allowed:        optional(m.GetAllowed(), fromAllowed),
		Instructions:   m.GetInstructions(),
		Input:          values(m.GetInput(), fromItem),
		Options:        fromOptions(m.GetOptions()),
		Stream:         m.GetStream(),
		Cache:          fromCacheControl(m.GetCache()),
		Continue:       m.GetContinue(),
		Background:     m.GetBackground(),
		Passthrough:    optional(m.GetPassthrough(), fromPassthrough),
		Priority:       messages.Priority(priority),
	}
	if m.RemainingMs != nil {
		s.Deadline = now.Add(milliseconds(m.GetRemainingMs()))
	}
	return s, nil
}

// ToTurnStarted mirrors s.
func ToTurnStarted(s messages.TurnStarted) *TurnStarted {
	return &TurnStarted{Conversation: string(s.Conversation), Private: s.Private, Err: ToFailure(s.Err)}
}

// FromTurnStarted reads a mirror.
func FromTurnStarted(m *TurnStarted) messages.TurnStarted {
	return messages.TurnStarted{Conversation: messages.ConversationID(m.GetConversation()), Private: m.GetPrivate(), Err: FromFailure(m.GetErr())}
}

func toHandover(h *messages.Handover) *Handover {
	return &Handover{Shown: list(h.Shown, ToChunk), Owners: int64(h.Owners)}
}

func fromHandover(m *Handover) (*messages.Handover, error) {
	if m == nil {
		return nil, nil //nolint:nilnil // there is none, as a rule
	}
	h := &messages.Handover{Owners: int(m.GetOwners())}
	for _, mirror := range m.GetShown() {
		chunk, err := FromChunk(mirror)
		if err != nil {
			return nil, err
		}
		h.Shown = append(h.Shown, chunk)
	}
	return h, nil
}

func toPassthrough(p *messages.Passthrough) *Passthrough {
	return &Passthrough{Format: string(p.Format), Body: p.Body}
}

func fromPassthrough(m *Passthrough) *messages.Passthrough {
	return &messages.Passthrough{Format: messages.Format(m.GetFormat()), Body: m.GetBody()}
}

// toRouteOverride leaves out one that says nothing.
func toRouteOverride(o *messages.RouteOverride) *RouteOverride {
	if len(o.Targets) == 0 && o.Strategy == messages.StrategyUnset {
		return nil
	}
	return &RouteOverride{Targets: list(o.Targets, toTarget), Strategy: Strategy(o.Strategy)}
}

// fromRouteOverride takes a strategy that it does not know, which is a newer
// node's, for none.
func fromRouteOverride(m *RouteOverride) messages.RouteOverride {
	o := messages.RouteOverride{Targets: values(m.GetTargets(), fromTarget)}
	if by := m.GetStrategy(); by > 0 && int(by) < messages.Strategies {
		o.Strategy = messages.Strategy(by)
	}
	return o
}

func toTarget(t *messages.Target) *Target { return &Target{Provider: t.Provider, Model: t.Model} }

func fromTarget(m *Target) messages.Target {
	return messages.Target{Provider: m.GetProvider(), Model: m.GetModel()}
}

// toTurnID leaves out the zero id.
func toTurnID(id messages.TurnID) []byte {
	if id.IsZero() {
		return nil
	}
	return id[:]
}

func fromTurnID(b []byte) (id messages.TurnID, err error) {
	if len(b) != 0 && len(b) != len(id) {
		return id, fmt.Errorf("an id of %d bytes, not %d", len(b), len(id))
	}
	copy(id[:], b)
	return id, nil
}
