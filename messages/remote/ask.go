package remote

import (
	"errors"
	"fmt"
	"time"

	"example.com/parley/messages"
)

// ToAsk mirrors a request to a conversation at the time now, as the given call.
func ToAsk(call uint64, m messages.Addressed, now time.Time) (*Ask, error) {
	ask := &Ask{Call: call}
	switch m := m.(type) {
	case *messages.StartTurn:
		ask.Request = &Ask_Start{Start: ToTurnSpec(m.Spec, now)}
	case *messages.FollowTurn:
		ask.Request = &Ask_Follow{Follow: toAboutTurn(m.Ref, m.Turn)}
	case *messages.CancelTurn:
		ask.Request = &Ask_Cancel{Cancel: toAboutTurn(m.Ref, m.Turn)}
	case *messages.AddItems:
		ask.Request = &Ask_Add{Add: &AddItems{Ref: toRef(m.Ref), Request: toTurnID(m.Request), Items: list(m.Items, toItem)}}
	case *messages.EraseItem:
		ask.Request = &Ask_EraseItem{EraseItem: &EraseItem{Ref: toRef(m.Ref), Item: string(m.Item)}}
	case *messages.EraseTurn:
		ask.Request = &Ask_EraseTurn{EraseTurn: toAboutTurn(m.Ref, m.Turn)}
	case *messages.DropConversation:
		ask.Request = &Ask_Drop{Drop: toRef(m.Ref)}
	default:
		return nil, fmt.Errorf("a %T stays on its node", m)
	}
	return ask, nil
}

var errEmptyAsk = errors.New("read a request to a conversation: it asks nothing that is known here")

// FromAsk reads a mirror that arrived at the time now. Its reply channels are in
// place. A turn's client is whoever sets [messages.StartTurn.Client].
func FromAsk(m *Ask, now time.Time) (messages.Addressed, error) {
	switch r := m.GetRequest().(type) {
	case *Ask_Start:
		spec, err := FromTurnSpec(r.Start, now)
		if err != nil {
			return nil, err
		}
		return messages.NewStartTurn(nil, spec), nil //nolint:staticcheck // set by whoever knows when the client leaves
	case *Ask_Follow:
		ref, turn, err := fromAboutTurn(r.Follow)
		return messages.NewFollowTurn(ref, turn), err
	case *Ask_Cancel:
		ref, turn, err := fromAboutTurn(r.Cancel)
		return messages.NewCancelTurn(ref, turn), err
	case *Ask_Add:
		request, err := fromTurnID(r.Add.GetRequest())
		return &messages.AddItems{
			Ref: fromRef(r.Add.GetRef()), Request: request, Items: values(r.Add.GetItems(), fromItem), Reply: make(chan messages.Edited, 1),
		}, err
	case *Ask_EraseItem:
		return &messages.EraseItem{Ref: fromRef(r.EraseItem.GetRef()), Item: messages.ItemID(r.EraseItem.GetItem()), Reply: make(chan messages.Edited, 1)}, nil
	case *Ask_EraseTurn:
		ref, turn, err := fromAboutTurn(r.EraseTurn)
		return &messages.EraseTurn{Ref: ref, Turn: turn, Reply: make(chan messages.Edited, 1)}, err
	case *Ask_Drop:
		return &messages.DropConversation{Ref: fromRef(r.Drop), Reply: make(chan messages.Edited, 1)}, nil
	default:
		return nil, errEmptyAsk
	}
}

func toRef(ref messages.ConversationRef) *Ref {
	return &Ref{Tenant: string(ref.Tenant), Conversation: string(ref.Conversation)}
}

func fromRef(m *Ref) messages.ConversationRef {
	return messages.ConversationRef{Tenant: messages.TenantID(m.GetTenant()), Conversation: messages.ConversationID(m.GetConversation())}
}

func toAboutTurn(ref messages.ConversationRef, turn messages.TurnID) *AboutTurn {
	return &AboutTurn{Ref: toRef(ref), Turn: toTurnID(turn)}
}

func fromAboutTurn(m *AboutTurn) (ref messages.ConversationRef, turn messages.TurnID, err error) {
	turn, err = fromTurnID(m.GetTurn())
	return fromRef(m.GetRef()), turn, err
}
