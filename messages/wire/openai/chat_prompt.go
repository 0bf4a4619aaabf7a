package openai

import (
	"fmt"

	"example.com/parley/messages"
)

// Words that take the place of what the chat format cannot hold.
const (
	noToolOutput   = "The tool call was cut off: there is no output."
	lostToolOutput = "Output of an earlier tool call:"
)

// chatPrompt writes items as messages. The format wants every call of a message
// answered in the messages right behind it, and takes text alone there; a history
// that was cut, or came in another format, need not be like that. It is mended,
// so that a conversation is never stuck.
type chatPrompt struct {
	dst     []byte
	begun   bool
	items   []messages.Item
	outputs map[string][]int // call -> places of its outputs that were not told yet
	told    map[int]bool
}

// appendMessages writes the member "messages" for items.
func appendMessages(dst []byte, items []messages.Item) ([]byte, error) {
	p := chatPrompt{dst: append(dst, '['), items: items}
	p.findOutputs()
	for i := 0; i < len(items); {
		next, err := p.add(i)
		if err != nil {
			return nil, err
		}
		i = next
	}
	return append(p.dst, ']'), nil
}

func (p *chatPrompt) findOutputs() {
	for i := range p.items {
		if p.items[i].Kind != messages.ItemToolOutput {
			continue
		}
		if p.outputs == nil {
			p.outputs, p.told = make(map[string][]int), make(map[int]bool)
		}
		call := p.items[i].CallID
		p.outputs[call] = append(p.outputs[call], i)
	}
}

// outputOf returns the first output behind place i that answers the call, and
// marks it as told. Servers that number their calls use a name again and again.
func (p *chatPrompt) outputOf(call string, i int) ([]messages.Part, bool) {
	for n, place := range p.outputs[call] {
		if place > i {
			p.told[place] = true
			p.outputs[call] = p.outputs[call][n+1:]
			return p.items[place].Parts, true
		}
	}
	return nil, false
}

// add writes the item at i, and the calls behind it where it is the assistant's.
// It returns the place of what comes next.
func (p *chatPrompt) add(i int) (next int, err error) {
	item := &p.items[i]
	switch {
	case item.Kind == messages.ItemReasoning: // providers want to hear none of their thoughts again
		return i + 1, nil
	case item.Kind == messages.ItemToolOutput && p.told[i]:
		return i + 1, nil
	case item.Kind == messages.ItemToolOutput:
		return i + 1, p.addLostOutput(item)
	case item.Kind == messages.ItemToolCall:
		return p.addAssistant(nil, i)
	case item.Role == messages.RoleAssistant:
		return p.addAssistant(item, i+1)
	default:
		return i + 1, p.addMessage(item)
	}
}

func (p *chatPrompt) open(role string) object {
	if p.begun {
		p.dst = append(p.dst, ',')
	}
	p.begun = true
	w := begin(p.dst)
	w.string("role", role)
	return w
}

// addMessage writes a message of anybody but the assistant. A developer is
// written as system: OpenAI's models take both for the same, and other servers
// know only that one.
func (p *chatPrompt) addMessage(item *messages.Item) error {
	role := item.Role
	if role == messages.RoleDeveloper {
		role = messages.RoleSystem
	}
	w := p.open(string(role))
	if item.Name != "" {
		w.string("name", item.Name)
	}
	w.name("content")
	dst, err := appendChatContent(w.dst, item.Parts)
	if err != nil {
		return err
	}
	w.dst = dst
	p.dst = w.end()
	return nil
}

// addAssistant writes what the assistant said, if it did, and the calls from
// place first on, with their outputs.
func (p *chatPrompt) addAssistant(said *messages.Item, first int) (next int, err error) {
	calls, next := p.calls(first)
	if said == nil && len(calls) == 0 {
		return next, nil
	}
	w := p.open(string(messages.RoleAssistant))
	if err := w.assistantContent(said); err != nil {
		return next, err
	}
	if len(calls) > 0 {
		w.array("tool_calls", len(calls), func(dst []byte, i int) []byte { return appendChatCall(dst, calls[i]) })
	}
	p.dst = w.end()
	return next, p.addOutputs(calls, first)
}

// calls collects the calls from place i on, past reasoning between them. A call
// that the model did not finish asking for is left out.
func (p *chatPrompt) calls(i int) (calls []*messages.Item, next int) {
	for next = i; next < len(p.items); next++ {
		item := &p.items[next]
		switch {
		case item.Kind == messages.ItemReasoning:
		case item.Kind != messages.ItemToolCall:
			return calls, next
		case item.Status != messages.ItemIncomplete:
			calls = append(calls, item)
		}
	}
	return calls, next
}

func (o *object) assistantContent(said *messages.Item) error {
	if said == nil {
		o.null("content")
		return nil
	}
	if said.Name != "" {
		o.string("name", said.Name)
	}
	parts, refusal := withoutRefusal(said.Parts)
	if refusal != "" {
		o.string("refusal", refusal)
	}
	if len(parts) == 0 && refusal != "" {
		o.null("content")
		return nil
	}
	o.name("content")
	dst, err := appendChatContent(o.dst, parts)
	o.dst = dst
	return err
}

func withoutRefusal(parts []messages.Part) (rest []messages.Part, refusal string) {
	rest = parts
	for i := range parts {
		if parts[i].Kind != messages.PartRefusal {
			continue
		}
		rest = parts[:i:i]
		refusal += parts[i].Text
		for _, part := range parts[i+1:] {
			if part.Kind == messages.PartRefusal {
				refusal += part.Text
			} else {
				rest = append(rest, part)
			}
		}
		break
	}
	return rest, refusal
}

func appendChatCall(dst []byte, call *messages.Item) []byte {
	w := begin(dst)
	w.string("id", call.CallID)
	w.string("type", toolFunction)
	w.name("function")
	f := begin(w.dst)
	f.string("name", call.Name)
	f.string("arguments", call.Args)
	w.dst = f.end()
	return w.end()
}

// addOutputs answers each call. Images come in a message of the user's behind
// the last answer.
func (p *chatPrompt) addOutputs(calls []*messages.Item, first int) error {
	var images []messages.Part
	for _, call := range calls {
		parts, ok := p.outputOf(call.CallID, first)
		if !ok {
			parts = []messages.Part{messages.TextPart(noToolOutput)}
		}
		text, rest := splitText(parts)
		images = append(images, rest...)
		w := p.open(roleTool)
		w.string("tool_call_id", call.CallID)
		w.name("content")
		w.dst, _ = appendChatContent(w.dst, text) // text is always taken
		p.dst = w.end()
	}
	if len(images) == 0 {
		return nil
	}
	return p.addMessage(&messages.Item{Role: messages.RoleUser, Parts: images})
}

func splitText(parts []messages.Part) (text, rest []messages.Part) {
	for _, part := range parts {
		if part.Kind == messages.PartText {
			text = append(text, part)
		} else {
			rest = append(rest, part)
		}
	}
	return text, rest
}

// addLostOutput tells an output whose call is not there as the user's words.
func (p *chatPrompt) addLostOutput(output *messages.Item) error {
	parts := append([]messages.Part{messages.TextPart(lostToolOutput)}, output.Parts...)
	return p.addMessage(&messages.Item{Role: messages.RoleUser, Parts: parts})
}

// appendChatContent writes parts as a string where they are one text, else as an
// array.
func appendChatContent(dst []byte, parts []messages.Part) ([]byte, error) {
	if len(parts) == 0 {
		return append(dst, `""`...), nil
	}
	if len(parts) == 1 && parts[0].Kind == messages.PartText {
		return appendString(dst, parts[0].Text), nil
	}
	dst = append(dst, '[')
	for i := range parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendChatPart(dst, &parts[i]); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendChatPart(dst []byte, part *messages.Part) ([]byte, error) {
	w := begin(dst)
	switch {
	case part.Kind == messages.PartImage:
		w.string("type", "image_url")
		w.name("image_url")
		image := begin(w.dst)
		image.string("url", part.Image)
		if part.Detail != "" {
			image.string("detail", part.Detail)
		}
		w.dst = image.end()
	case part.Kind != messages.PartOther:
		w.string("type", "text")
		w.string("text", part.Text)
	case part.Format == messages.FormatOpenAIChat:
		return append(dst, part.Raw...), nil
	default:
		return dst, unsupportedPart(part)
	}
	return w.end(), nil
}

func unsupportedPart(part *messages.Part) error {
	return &messages.Failure{
		Code: messages.CodeUnsupported, NoRetry: true,
		What: fmt.Sprintf("the conversation holds content of the format %s that this model's provider does not take", part.Format),
		Do:   "send text and images, or ask a model of a provider of that format",
	}
}
