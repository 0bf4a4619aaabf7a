package openai

import "example.com/parley/messages"

// Types of items beside those of messages.ItemKind.
const typeItemReference = "item_reference"

// responsesInput reads a string, which is the user's, or an array of items.
func (r *reader) responsesInput() ([]messages.Item, error) {
	if r.isString() {
		text, err := r.string()
		return []messages.Item{messages.TextMessage(messages.RoleUser, text)}, err
	}
	if !r.isArray() {
		return nil, r.mismatch("a string or an array of items")
	}
	return r.items(maxMessages)
}

// items reads at most limit items of the Responses format.
func (r *reader) items(limit int) (items []messages.Item, err error) {
	err = r.array(limit, func(int) error {
		item, err := r.item()
		items = append(items, item)
		return err
	})
	return items, err
}

// responsesItem is an item before its type says what its members mean.
type responsesItem struct {
	item    messages.Item
	kind    string
	status  string
	summary []messages.Part
	hasText bool // content, output or arguments were there
}

// item reads an item. Its id is not kept: who stores an item names it.
func (r *reader) item() (messages.Item, error) {
	var m responsesItem
	if err := r.object(func(name []byte) error { return r.itemMember(name, &m) }); err != nil {
		return m.item, err
	}
	if m.status == string(messages.ItemIncomplete) {
		m.item.Status = messages.ItemIncomplete
	}
	if m.kind == "" && m.item.Role != "" { // a message may leave its type out
		m.kind = string(messages.ItemMessage)
	}
	m.item.Kind = messages.ItemKind(m.kind)
	return m.item, r.checkItem(&m)
}

func (r *reader) itemMember(name []byte, m *responsesItem) (err error) {
	switch string(name) {
	case "type":
		m.kind, err = r.string()
	case "role":
		var role string
		role, err = r.string()
		m.item.Role = messages.Role(role)
	case "status":
		m.status, err = r.string()
	case "content", "output":
		m.hasText = true
		m.item.Parts, err = r.responsesContent()
	case "summary":
		m.summary, err = r.responsesContent()
	case "call_id":
		m.item.CallID, err = r.string()
	case "name":
		m.item.Name, err = r.string()
	case "arguments":
		m.item.Args, err = r.word()
	case "encrypted_content":
		m.item.Opaque, err = r.string()
	default:
		err = r.skip()
	}
	return err
}

// checkItem holds what each type needs, and lays the item's members where they
// belong.
func (r *reader) checkItem(m *responsesItem) error {
	item := &m.item
	switch item.Kind {
	case messages.ItemMessage:
		return r.checkMessage(m)
	case messages.ItemToolCall:
		if err := r.wants(item.CallID != "", "call_id", "send the id that the model gave the call"); err != nil {
			return err
		}
		return r.wants(item.Name != "", "name", "name the function that was called")
	case messages.ItemToolOutput:
		if err := r.wants(item.CallID != "", "call_id", "send the id of the call that this answers"); err != nil {
			return err
		}
		return r.wants(m.hasText, "output", "send the tool's output")
	case messages.ItemReasoning:
		if len(m.summary) > 0 {
			item.Parts = m.summary
		}
		return nil
	case "":
		return r.wants(false, "type", "send message, function_call, function_call_output or reasoning")
	case typeItemReference:
		return r.unsupportedAt("refers to an item by its id", "send the item itself, or continue with conversation or previous_response_id")
	default:
		return r.unsupportedAt("is an item of a type that Parley does not have", "send message, function_call, function_call_output or reasoning")
	}
}

func (r *reader) checkMessage(m *responsesItem) error {
	switch m.item.Role {
	case messages.RoleSystem, messages.RoleDeveloper, messages.RoleUser, messages.RoleAssistant:
		return r.wants(m.hasText, "content", "send a string or an array of parts")
	case "":
		return r.wants(false, "role", "send one of "+itemRoles)
	default:
		return invalid(r.path()+".role", "is no role", "send one of "+itemRoles)
	}
}

const itemRoles = "system, developer, user and assistant"

// responsesContent reads a string or an array of parts.
func (r *reader) responsesContent() (parts []messages.Part, err error) {
	if r.isString() {
		text, err := r.string()
		return []messages.Part{messages.TextPart(text)}, err
	}
	if !r.isArray() {
		return nil, r.mismatch("a string or an array of parts")
	}
	err = r.array(maxParts, func(int) error {
		part, err := r.responsesPart()
		parts = append(parts, part)
		return err
	})
	return parts, err
}

// responsesPart reads a part. One of a type that Parley does not read is kept as
// it is.
func (r *reader) responsesPart() (part messages.Part, err error) {
	start, kind, hasText := r.start(), "", false
	err = r.object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			kind, err = r.string()
		case "text", "refusal":
			hasText = true
			part.Text, err = r.string()
		case "image_url":
			part.Image, err = r.string()
		case "detail":
			part.Detail, err = r.string()
		default:
			err = r.skip()
		}
		return err
	})
	if err != nil {
		return part, err
	}
	switch kind {
	case "input_text", "output_text", "text", "summary_text", "reasoning_text":
		part.Kind = messages.PartText
		return part, r.wants(hasText, "text", "send the text")
	case "refusal":
		part.Kind = messages.PartRefusal
		return part, r.wants(hasText, "refusal", "send the text")
	case "":
		return part, r.wants(false, "type", "send input_text, input_image, output_text or refusal")
	case "input_image":
		if part.Image != "" { // else it names a file that OpenAI keeps
			part.Kind = messages.PartImage
			return part, nil
		}
	}
	return messages.Part{Kind: messages.PartOther, Raw: r.since(start), Format: messages.FormatOpenAIResponses}, nil
}
