package messages

import "encoding/json"

// Reply puts a stream's chunks together into the items that they are parts of.
// The store, the one-piece reply and the event stream all number items as it
// does. Its zero value is ready; one goroutine uses it. Only choice 0 counts:
// a turn with several choices is never kept.
type Reply struct {
	Finish FinishReason
	Usage  Usage
	Served Served

	drafts []draft
	calls  map[int]int // a tool call's index -> its draft
}

// draft is an item that still grows.
type draft struct {
	kind         ItemKind
	text         []byte // of a message and of reasoning; the arguments of a call
	refusal      []byte
	callID, name string
	opaque       string
}

// Add takes a chunk in. For a delta it returns the position of the item that
// the delta belongs to, among the reply's items, and whether it is that item's
// first; for any other chunk, and for a text that is empty, it returns -1.
func (r *Reply) Add(c Chunk) (position int, first bool) {
	if c.Choice != 0 || c.isEmptyText() {
		return -1, false
	}
	switch c.Kind {
	case ChunkText, ChunkRefusal:
		position, first = r.last(ItemMessage)
		d := &r.drafts[position]
		if c.Kind == ChunkText {
			d.text = append(d.text, c.Text...)
		} else {
			d.refusal = append(d.refusal, c.Text...)
		}
	case ChunkReasoning:
		position, first = r.last(ItemReasoning)
		d := &r.drafts[position]
		d.text = append(d.text, c.Text...)
		d.opaque += c.Details().Opaque
	case ChunkToolCall:
		position, first = r.call(c)
		r.drafts[position].text = append(r.drafts[position].text, c.Text...)
	default:
		r.note(c)
		return -1, false
	}
	return position, first
}

// isEmptyText tells whether the chunk brings what Parley does not read, and
// nothing else: an item does not begin with that.
func (c *Chunk) isEmptyText() bool {
	switch c.Kind {
	case ChunkText, ChunkRefusal, ChunkReasoning:
		return c.Text == "" && c.Details().Opaque == ""
	default:
		return false
	}
}

// note takes what is said about the reply rather than in it.
func (r *Reply) note(c Chunk) {
	switch c.Kind {
	case ChunkOpened:
		r.Served = *c.Served
	case ChunkFinish:
		r.Finish = c.Finish
	case ChunkUsage:
		r.Usage = *c.Usage
	}
}

// last returns the last draft if it is of the kind, else a new one.
func (r *Reply) last(kind ItemKind) (position int, first bool) {
	if n := len(r.drafts); n > 0 && r.drafts[n-1].kind == kind {
		return n - 1, false
	}
	r.drafts = append(r.drafts, draft{kind: kind})
	return len(r.drafts) - 1, true
}

// call returns the draft of the chunk's tool call.
func (r *Reply) call(c Chunk) (position int, first bool) {
	if position, ok := r.calls[c.Index]; ok {
		return position, false
	}
	if r.calls == nil {
		r.calls = make(map[int]int, 1)
	}
	r.drafts = append(r.drafts, draft{kind: ItemToolCall, callID: c.Details().CallID, name: c.Details().Name})
	position = len(r.drafts) - 1
	r.calls[c.Index] = position
	return position, true
}

// Len is the number of items so far.
func (r *Reply) Len() int { return len(r.drafts) }

// Bytes is the size of all text so far.
func (r *Reply) Bytes() (n int) {
	for i := range r.drafts {
		n += len(r.drafts[i].text) + len(r.drafts[i].refusal)
	}
	return n
}

// Items returns the items from position from on, named after the turn: inputs
// is how many items of input come before them. status is the last item's. One
// that another follows has ended, but for a call whose arguments are not whole:
// calls may grow side by side.
func (r *Reply) Items(turn TurnID, inputs, from int, status ItemStatus) []Item {
	items := make([]Item, 0, len(r.drafts)-from)
	for i := from; i < len(r.drafts); i++ {
		d := &r.drafts[i]
		ended := i < len(r.drafts)-1 && (d.kind != ItemToolCall || json.Valid(d.text))
		if ended {
			items = append(items, d.item(NewItemID(d.kind, turn, inputs+i), ItemComplete))
		} else {
			items = append(items, d.item(NewItemID(d.kind, turn, inputs+i), status))
		}
	}
	return items
}

func (d *draft) item(id ItemID, status ItemStatus) Item {
	item := Item{ID: id, Kind: d.kind, Status: status, Opaque: d.opaque}
	switch d.kind {
	case ItemToolCall:
		item.CallID, item.Name, item.Args = d.callID, d.name, string(d.text)
		return item
	case ItemMessage:
		item.Role = RoleAssistant
	}
	if len(d.text) > 0 || len(d.refusal) == 0 {
		item.Parts = append(item.Parts, TextPart(string(d.text)))
	}
	if len(d.refusal) > 0 {
		item.Parts = append(item.Parts, Part{Kind: PartRefusal, Text: string(d.refusal)})
	}
	return item
}
