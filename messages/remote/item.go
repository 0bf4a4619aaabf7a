package remote

import "example.com/parley/messages"

func toItem(i *messages.Item) *Item {
	return &Item{
		Id:     string(i.ID),
		Kind:   string(i.Kind),
		Role:   string(i.Role),
		Name:   i.Name,
		Parts:  list(i.Parts, toPart),
		CallId: i.CallID,
		Args:   i.Args,
		Status: string(i.Status),
		Opaque: i.Opaque,
	}
}

func fromItem(m *Item) messages.Item {
	return messages.Item{
		ID:     messages.ItemID(m.GetId()),
		Kind:   messages.ItemKind(m.GetKind()),
		Role:   messages.Role(m.GetRole()),
		Name:   m.GetName(),
		Parts:  values(m.GetParts(), fromPart),
		CallID: m.GetCallId(),
		Args:   m.GetArgs(),
		Status: messages.ItemStatus(m.GetStatus()),
		Opaque: m.GetOpaque(),
	}
}

func toPart(p *messages.Part) *Part {
	return &Part{
		Kind: string(p.Kind), Text: p.Text, Image: p.Image, Detail: p.Detail, Raw: p.Raw, Format: string(p.Format),
	}
}

func fromPart(m *Part) messages.Part {
	return messages.Part{
		Kind: messages.PartKind(m.GetKind()), Text: m.GetText(), Image: m.GetImage(), Detail: m.GetDetail(),
		Raw: m.GetRaw(), Format: messages.Format(m.GetFormat()),
	}
}
