package messages

import (
	"encoding/json"
	"time"
)

// ItemKind says what an item is.
type ItemKind string

// The kinds that a conversation keeps.
const (
	ItemMessage    ItemKind = "message"
	ItemToolCall   ItemKind = "function_call"
	ItemToolOutput ItemKind = "function_call_output"
	ItemReasoning  ItemKind = "reasoning"
)

func (k ItemKind) prefix() string {
	switch k {
	case ItemToolCall:
		return "fc_"
	case ItemToolOutput:
		return "fco_"
	case ItemReasoning:
		return "rs_"
	default:
		return "msg_"
	}
}

// Role says who speaks.
type Role string

// The roles of a message. A tool speaks through an [ItemToolOutput].
const (
	RoleSystem    Role = "system"
	RoleDeveloper Role = "developer"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Item is one thing said, thought, asked of a tool, or answered by one. Its
// JSON is what the store keeps.
type Item struct {
	ID     ItemID     `json:"id,omitempty"`
	Kind   ItemKind   `json:"kind"`
	Role   Role       `json:"role,omitempty"`   // of a message
	Name   string     `json:"name,omitempty"`   // of the speaker, or of the function called
	Parts  []Part     `json:"parts,omitempty"`  // of a message, a tool's output, or reasoning
	CallID string     `json:"call,omitempty"`   // ties a tool's output to its call
	Args   string     `json:"args,omitempty"`   // of a call: the JSON text that the model wrote, which may be broken
	Status ItemStatus `json:"status,omitempty"` // empty means complete
	// Opaque is what a provider wants back unchanged with its reasoning:
	// Anthropic's signature, OpenAI's encrypted content.
	Opaque string `json:"opaque,omitempty"`
}

// ItemStatus tells whether an item was finished.
type ItemStatus string

// The states of an output item.
const (
	ItemComplete   ItemStatus = "completed"
	ItemIncomplete ItemStatus = "incomplete"
)

// Text returns the item's text parts, joined.
func (i *Item) Text() string {
	if len(i.Parts) == 1 && i.Parts[0].Kind == PartText {
		return i.Parts[0].Text
	}
	var text []byte
	for _, p := range i.Parts {
		if p.Kind == PartText {
			text = append(text, p.Text...)
		}
	}
	return string(text)
}

// Size is about how many bytes of content the item has.
func (i *Item) Size() int {
	size := len(i.Args) + len(i.Opaque)
	for p := range i.Parts {
		size += len(i.Parts[p].Text) + len(i.Parts[p].Image) + len(i.Parts[p].Raw)
	}
	return size
}

// PartKind says what a part of an item's content is.
type PartKind string

// The kinds of content.
const (
	PartText    PartKind = "text"
	PartImage   PartKind = "image"
	PartRefusal PartKind = "refusal"
	// PartOther is content that Parley carries without reading it (audio,
	// files): only a provider of the format that it came in can take it.
	PartOther PartKind = "other"
)

// Part is one piece of content.
type Part struct {
	Kind   PartKind        `json:"kind"`
	Text   string          `json:"text,omitempty"`   // of text and refusal
	Image  string          `json:"image,omitempty"`  // https: or data: URL
	Detail string          `json:"detail,omitempty"` // of an image: low, high or auto
	Raw    json.RawMessage `json:"raw,omitempty"`    // of other: the part as it was sent, in the format Format
	Format Format          `json:"format,omitempty"`
}

// TextPart returns a part of plain text.
func TextPart(text string) Part { return Part{Kind: PartText, Text: text} }

// TextMessage returns a message of one text part.
func TextMessage(role Role, text string) Item {
	return Item{Kind: ItemMessage, Role: role, Parts: []Part{TextPart(text)}}
}

// StoredItem is an item in its place.
type StoredItem struct {
	Item
	Seq     Seq
	Turn    TurnID // the request that brought it
	Output  bool   // said by the model, not to it
	Erased  bool   // a tombstone: the content is gone, the place is kept
	Created time.Time
}
