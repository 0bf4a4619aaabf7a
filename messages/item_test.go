package messages_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
)

func TestItemTextJoinsItsTextParts(t *testing.T) {
	t.Parallel()
	image := messages.Part{Kind: messages.PartImage, Image: "u"}
	refusal := messages.Part{Kind: messages.PartRefusal, Text: "no"}
	for want, parts := range map[string][]messages.Part{
		"":   nil,
		"a":  {messages.TextPart("a")},
		"ab": {messages.TextPart("a"), image, messages.TextPart("b"), refusal},
	} {
		item := messages.Item{Parts: parts}
		if got := item.Text(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestItemsAreKeptAsJSON(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		item messages.Item
		want string
	}{
		"a message": {messages.TextMessage(messages.RoleUser, "hi"), `{"kind":"message","role":"user","parts":[{"kind":"text","text":"hi"}]}`},
		"a call": {
			messages.Item{ID: "fc_1", Kind: messages.ItemToolCall, Name: "f", CallID: "a", Args: "{", Status: messages.ItemIncomplete},
			`{"id":"fc_1","kind":"function_call","name":"f","call":"a","args":"{","status":"incomplete"}`,
		},
		"other content": {
			messages.Item{Kind: messages.ItemToolOutput, CallID: "a", Parts: []messages.Part{{Kind: messages.PartOther, Raw: json.RawMessage(`{"a":1}`), Format: messages.FormatOpenAIChat}}},
			`{"kind":"function_call_output","parts":[{"kind":"other","raw":{"a":1},"format":"openai.chat"}],"call":"a"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept, err := json.Marshal(tt.item)
			if err != nil || string(kept) != tt.want {
				t.Errorf("%v: %s", err, kept)
			}
			var got messages.Item
			if err := json.Unmarshal(kept, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.item, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
