package remote

import (
	"time"

	"example.com/parley/messages"
)

// ToFollowing mirrors f. A view travels as the batches behind it.
func ToFollowing(f messages.Following) *Following {
	return &Following{Found: f.View != nil, Err: ToFailure(f.Err)}
}

// ToCancelled mirrors c.
func ToCancelled(c messages.Cancelled) *Cancelled {
	return &Cancelled{Found: c.Found, Err: ToFailure(c.Err)}
}

// FromCancelled reads a mirror.
func FromCancelled(m *Cancelled) messages.Cancelled {
	return messages.Cancelled{Found: m.GetFound(), Err: FromFailure(m.GetErr())}
}

// ToEdited mirrors e.
func ToEdited(e messages.Edited) *Edited {
	return &Edited{Items: list(e.Items, toStoredItem), Err: ToFailure(e.Err)}
}

// FromEdited reads a mirror. It fails where an item's turn is none of ours.
func FromEdited(m *Edited) (messages.Edited, error) {
	e := messages.Edited{Err: FromFailure(m.GetErr())}
	for _, item := range m.GetItems() {
		stored, err := fromStoredItem(item)
		if err != nil {
			return messages.Edited{}, err
		}
		e.Items = append(e.Items, stored)
	}
	return e, nil
}

func toStoredItem(i *messages.StoredItem) *StoredItem {
	return &StoredItem{
		Item: toItem(&i.Item), Seq: uint64(i.Seq), Turn: toTurnID(i.Turn), Output: i.Output, Erased: i.Erased, CreatedUs: i.Created.UnixMicro(),
	}
}

func fromStoredItem(m *StoredItem) (messages.StoredItem, error) {
	turn, err := fromTurnID(m.GetTurn())
	return messages.StoredItem{
		Item: fromItem(m.GetItem()), Seq: messages.Seq(m.GetSeq()), Turn: turn, Output: m.GetOutput(), Erased: m.GetErased(),
		Created: time.UnixMicro(m.GetCreatedUs()),
	}, err
}
