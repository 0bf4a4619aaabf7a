package anthropic

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// content is a message's or a result's: a list of blocks, or a text that stands
// for a list of one.
type content []requestBlock

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *content) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '"' {
		blocks, err := readList[requestBlock](d, maxBlocks)
		*c = blocks
		return err
	}
	var text string
	if err := json.UnmarshalDecode(d, &text); err != nil {
		return err
	}
	*c = content{{blockMembers: blockMembers{Type: "text", Text: text}}}
	return nil
}

// requestBlock is a block with, where it is of a kind that is not read, its bytes.
type requestBlock struct {
	blockMembers
	raw []byte
}

type blockMembers struct {
	Type      string         `json:"type"`
	Text      string         `json:"text"`
	Thinking  string         `json:"thinking"`
	Signature string         `json:"signature"`
	Data      string         `json:"data"`
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Input     jsontext.Value `json:"input"`
	ToolUseID string         `json:"tool_use_id"`
	Content   content        `json:"content"`
	Source    imageSource    `json:"source"`
}

// kind is all that is read of a block at first.
type kind struct {
	Type string `json:"type"`
}

type imageSource struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type"`
	Data      string `json:"data"`
	URL       string `json:"url"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom. The members of a block mean
// different things in different kinds, so that only known kinds are taken apart.
func (b *requestBlock) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	err = b.read(value)
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		semantic.JSONPointer = d.StackPointer() + semantic.JSONPointer // from the body's root, as everywhere else
	}
	return err
}

func (b *requestBlock) read(value jsontext.Value) error {
	var k kind
	if err := json.Unmarshal(value, &k); err != nil {
		return err
	}
	switch k.Type {
	case "text", "thinking", "redacted_thinking", "tool_use", "tool_result":
		return json.Unmarshal(value, &b.blockMembers)
	case "image":
		if err := json.Unmarshal(value, &b.blockMembers); err != nil {
			return err
		}
		if b.Source.Type == "base64" || b.Source.Type == "url" {
			return nil
		}
	}
	b.Type, b.raw = k.Type, bytes.Clone(value)
	return nil
}

// parts are the blocks that are said rather than done.
func (c content) parts() []messages.Part {
	parts := make([]messages.Part, 0, len(c))
	for i := range c {
		if part, ok := c[i].part(); ok {
			parts = append(parts, part)
		}
	}
	return parts
}

func (b *requestBlock) part() (part messages.Part, ok bool) {
	switch {
	case b.raw != nil:
		return messages.Part{Kind: messages.PartOther, Raw: b.raw, Format: messages.FormatAnthropic}, true
	case b.Type == "text":
		return messages.TextPart(b.Text), true
	case b.Type == "image":
		return messages.Part{Kind: messages.PartImage, Image: b.Source.address()}, true
	default:
		return messages.Part{}, false
	}
}

func (s *imageSource) address() string {
	if s.Type == "url" {
		return s.URL
	}
	return "data:" + s.MediaType + ";base64," + s.Data
}

// appendUser adds the outputs of tools, and one message of all the rest.
func (c content) appendUser(items []messages.Item) []messages.Item {
	for i := range c {
		if c[i].Type == "tool_result" {
			items = append(items, messages.Item{
				Kind: messages.ItemToolOutput, CallID: c[i].ToolUseID, Parts: c[i].Content.parts(),
			})
		}
	}
	if parts := c.parts(); len(parts) > 0 {
		items = append(items, messages.Item{Kind: messages.ItemMessage, Role: messages.RoleUser, Parts: parts})
	}
	return items
}

// appendAssistant adds thinking, messages and calls in their order. Neighbouring
// parts are one message.
func (c content) appendAssistant(items []messages.Item) []messages.Item {
	var message *messages.Item
	for i := range c {
		b := &c[i]
		if part, ok := b.part(); ok {
			if message == nil {
				items = append(items, messages.Item{Kind: messages.ItemMessage, Role: messages.RoleAssistant})
				message = &items[len(items)-1]
			}
			message.Parts = append(message.Parts, part)
			continue
		}
		message = nil
		switch b.Type {
		case "thinking":
			items = append(items, reasoning(b.Thinking, thinkingRecord(len(b.Thinking), b.Signature)))
		case "redacted_thinking":
			items = append(items, reasoning("", redactedRecord(b.Data)))
		case "tool_use":
			items = append(items, messages.Item{
				Kind: messages.ItemToolCall, CallID: b.ID, Name: b.Name, Args: wholeInput(b.Input),
			})
		}
	}
	return items
}

func reasoning(text, opaque string) messages.Item {
	item := messages.Item{Kind: messages.ItemReasoning, Opaque: opaque}
	if text != "" {
		item.Parts = []messages.Part{messages.TextPart(text)}
	}
	return item
}
