package anthropic_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
)

// anyItem makes items as no client would send them: in any order, cut, blank,
// with calls that nobody answers and answers that nobody called for.
func anyItem() *rapid.Generator[messages.Item] {
	text := rapid.SampledFrom([]string{"", " ", "\n", "a", "b c", "ü\u0000\"", "anthropic:t1:x;"})
	id := rapid.SampledFrom([]string{"c1", "c2", "call.3:x", ""})
	roles := rapid.SampledFrom([]messages.Role{messages.RoleSystem, messages.RoleDeveloper, messages.RoleUser, messages.RoleAssistant})
	return rapid.Custom(func(t *rapid.T) messages.Item {
		parts := make([]messages.Part, rapid.IntRange(0, 2).Draw(t, "parts"))
		for i := range parts {
			parts[i] = messages.TextPart(text.Draw(t, "text"))
		}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return messages.Item{
				Kind: messages.ItemToolCall, CallID: id.Draw(t, "call"), Name: "look",
				Args:   rapid.SampledFrom([]string{"", "{}", `{"at":1}`, `{"at":`, "[1]", "null"}).Draw(t, "args"),
				Status: rapid.SampledFrom([]messages.ItemStatus{"", messages.ItemComplete, messages.ItemIncomplete}).Draw(t, "status"),
			}
		case 1:
			return messages.Item{Kind: messages.ItemToolOutput, CallID: id.Draw(t, "call"), Parts: parts}
		case 2:
			return thinking("hm!", rapid.SampledFrom([]string{"", "anthropic:t3:c2ln;", "anthropic:t3:c2ln;anthropic:r:ZGF0YQ==;", "anthropic:t9:c2ln;", "gAAAA"}).Draw(t, "opaque"))
		default:
			return messages.Item{Kind: messages.ItemMessage, Role: roles.Draw(t, "role"), Parts: parts}
		}
	})
}

// wireMessage and wireBlock are the format as its documentation has it, apart
// from what this package makes of it.
type wireMessage struct {
	Role    string      `json:"role"`
	Content []wireBlock `json:"content"`
}

type wireBlock struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	ID        string          `json:"id"`
	ToolUseID string          `json:"tool_use_id"`
	Input     json.RawMessage `json:"input"`
}

var callIDs = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// Whatever a history has become, Anthropic must not refuse it: a conversation
// that is refused once is refused for ever.
func TestAnyHistoryFollowsTheRules(t *testing.T) {
	t.Parallel()
	items := rapid.SliceOfN(anyItem(), 1, 12)
	rapid.Check(t, func(t *rapid.T) {
		body, err := anthropic.AppendRequest(nil, budgeted, &messages.Call{Items: items.Draw(t, "items")})
		if messages.CodeOf(err) == messages.CodeInvalidRequest {
			return // nothing to answer
		}
		if err != nil {
			t.Fatal(err)
		}
		var request struct {
			Messages []wireMessage     `json:"messages"`
			Tools    []json.RawMessage `json:"tools"`
		}
		if err := json.Unmarshal(body, &request); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		if fault := faultOf(request.Messages, len(request.Tools)); fault != "" {
			t.Fatalf("%s in %s", fault, body)
		}
	})
}

// faultOf says which rule the messages break.
func faultOf(all []wireMessage, tools int) string {
	var open []string // calls of the message before
	seen := make(map[string]bool)
	for i, m := range all {
		want := []string{"user", "assistant"}[i%2]
		switch {
		case m.Role != want:
			return "the " + m.Role + " speaks out of turn"
		case len(m.Content) == 0:
			return "an empty message"
		case m.Role == "assistant" && strings.HasSuffix(m.Content[len(m.Content)-1].Type, "thinking"):
			return "thinking that led to nothing"
		}
		var fault string
		if open, fault = faultOfBlocks(m, open, tools); fault != "" {
			return fault
		}
		for _, id := range open {
			if seen[id] {
				return "two calls of one name"
			}
			seen[id] = true
		}
	}
	if len(open) > 0 {
		return "a call without a result"
	}
	return ""
}

func faultOfBlocks(m wireMessage, open []string, tools int) (calls []string, fault string) {
	results := true
	for _, b := range m.Content {
		switch b.Type {
		case "text":
			if strings.TrimSpace(b.Text) == "" {
				return nil, "a blank text"
			}
		case "tool_use":
			if tools == 0 || !strings.HasPrefix(string(b.Input), "{") || !callIDs.MatchString(b.ID) {
				return nil, "a call that cannot be"
			}
			calls = append(calls, b.ID)
		case "tool_result":
			at := -1
			for i, id := range open {
				if id == b.ToolUseID {
					at = i
				}
			}
			if at < 0 || !results {
				return nil, "a result without its call, or behind a text"
			}
			open = append(open[:at:at], open[at+1:]...)
			continue
		}
		results = false
	}
	if len(open) > 0 {
		return nil, "a call without a result"
	}
	return calls, ""
}
