package openai

import (
	"strconv"

	"example.com/parley/messages"
)

// The roles of a message that are no role of an item.
const (
	roleTool     = "tool"
	roleFunction = "function" // of 2023: a tool's output, found by the function's name
)

// chatMessages reads messages into items. A message of the assistant becomes
// several where it calls tools.
func (r *reader) chatMessages() (items []messages.Item, err error) {
	err = r.array(maxMessages, func(i int) error {
		m := chatMessage{index: i}
		if err := r.object(func(name []byte) error { return r.chatMember(name, &m) }); err != nil {
			return err
		}
		items, err = m.appendItems(items)
		return err
	})
	return items, err
}

// chatMessage is a message before its role says what its members mean.
type chatMessage struct {
	index     int
	role      string
	name      string
	content   []messages.Part
	refusal   string
	reasoning string
	callID    string
	calls     []messages.Item
	hasText   bool // content was there, and not null
}

func (m *chatMessage) path(member string) string { return at("messages", m.index) + "." + member }

func (r *reader) chatMember(name []byte, m *chatMessage) (err error) {
	switch string(name) {
	case "role":
		m.role, err = r.string()
	case "content":
		m.hasText = true
		m.content, err = r.chatContent()
	case "name":
		m.name, err = r.string()
	case "refusal":
		m.refusal, err = r.string()
	case "reasoning_content":
		m.reasoning, err = r.string()
	case "tool_call_id":
		m.callID, err = r.string()
	case "tool_calls":
		m.calls, err = r.chatCalls()
	case "function_call":
		call := messages.Item{Kind: messages.ItemToolCall, CallID: legacyCallID(m.index)}
		err = r.object(func(name []byte) error { return r.calledFunction(name, &call) })
		m.calls = append(m.calls, call)
	default:
		err = r.skip()
	}
	return err
}

// appendItems turns the message into items behind items.
func (m *chatMessage) appendItems(items []messages.Item) ([]messages.Item, error) {
	switch m.role {
	case string(messages.RoleSystem), string(messages.RoleDeveloper), string(messages.RoleUser):
		if !m.hasText {
			return nil, invalid(m.path("content"), "is missing", "send a string or an array of parts")
		}
		return append(items, m.said()), nil
	case string(messages.RoleAssistant):
		return m.appendAssistant(items), nil
	case roleTool, roleFunction:
		return m.appendOutput(items)
	case "":
		return nil, invalid(m.path("role"), "is missing", "send one of "+roles)
	default:
		return nil, invalid(m.path("role"), "is no role", "send one of "+roles)
	}
}

const roles = "system, developer, user, assistant and tool"

func (m *chatMessage) said() messages.Item {
	return messages.Item{Kind: messages.ItemMessage, Role: messages.Role(m.role), Name: m.name, Parts: m.content}
}

func (m *chatMessage) appendAssistant(items []messages.Item) []messages.Item {
	if m.reasoning != "" {
		items = append(items, messages.Item{
			Kind: messages.ItemReasoning, Parts: []messages.Part{messages.TextPart(m.reasoning)},
		})
	}
	if m.refusal != "" {
		m.content = append(m.content, messages.Part{Kind: messages.PartRefusal, Text: m.refusal})
	}
	if len(m.calls) == 0 || !isBlank(m.content) {
		items = append(items, m.said())
	}
	return append(items, m.calls...)
}

func (m *chatMessage) appendOutput(items []messages.Item) ([]messages.Item, error) {
	output := messages.Item{Kind: messages.ItemToolOutput, CallID: m.callID, Parts: m.content}
	switch {
	case m.role == roleFunction:
		output.Name, output.CallID = m.name, lastCallOf(m.name, items)
	case m.callID == "":
		return nil, invalid(m.path("tool_call_id"), "is missing", "send the id of the tool call that this answers")
	}
	if !m.hasText {
		return nil, invalid(m.path("content"), "is missing", "send the tool's output")
	}
	return append(items, output), nil
}

// isBlank tells whether parts hold nothing, as clients send it beside tool calls.
func isBlank(parts []messages.Part) bool {
	return len(parts) == 0 || len(parts) == 1 && parts[0].Kind == messages.PartText && parts[0].Text == ""
}

// legacyCallID names a call of the format of 2023, which has no ids.
func legacyCallID(index int) string { return "call_message_" + strconv.Itoa(index) }

// lastCallOf finds the call that a legacy output answers.
func lastCallOf(function string, items []messages.Item) string {
	for i := len(items) - 1; i >= 0; i-- {
		if items[i].Kind == messages.ItemToolCall && items[i].Name == function {
			return items[i].CallID
		}
	}
	return function
}

// chatCalls reads the tool calls of an assistant's message.
func (r *reader) chatCalls() (calls []messages.Item, err error) {
	err = r.array(maxToolCalls, func(int) error {
		call := messages.Item{Kind: messages.ItemToolCall}
		if err := r.object(func(name []byte) error { return r.callMember(name, &call) }); err != nil {
			return err
		}
		calls = append(calls, call)
		switch {
		case call.CallID == "":
			return invalid(r.path()+".id", "is missing", "send the id that the model gave the call")
		case call.Name == "":
			return invalid(r.path()+".function.name", "is missing", "name the function that was called")
		}
		return nil
	})
	return calls, err
}

func (r *reader) callMember(name []byte, call *messages.Item) (err error) {
	switch string(name) {
	case "id":
		call.CallID, err = r.string()
	case "function", "custom": // a custom tool takes text in place of arguments
		err = r.object(func(name []byte) error { return r.calledFunction(name, call) })
	default:
		err = r.skip()
	}
	return err
}

func (r *reader) calledFunction(name []byte, call *messages.Item) (err error) {
	switch string(name) {
	case "name":
		call.Name, err = r.string()
	case "arguments", "input":
		call.Args, err = r.string()
	default:
		err = r.skip()
	}
	return err
}
