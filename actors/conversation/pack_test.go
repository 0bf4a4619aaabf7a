package conversation

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
)

// question and answer are as long as those of a bank's customers.
func exchange() []messages.Item {
	answer := messages.TextMessage(messages.RoleAssistant, strings.Repeat("Your card is on its way. ", 4))
	answer.Status = messages.ItemComplete
	return []messages.Item{messages.TextMessage(messages.RoleUser, strings.Repeat("Where is my card? ", 6)), answer}
}

func unpacked(b block) []messages.Item { return window{b}.items(1000, 1<<30) }

func TestPackedItemsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	raw := messages.Part{Kind: messages.PartOther, Raw: json.RawMessage(`{"type":"input_audio"}`), Format: messages.FormatOpenAIChat}
	image := messages.Part{Kind: messages.PartImage, Image: "https://example.com/cat.png", Detail: "low"}
	for name, items := range map[string][]messages.Item{
		"none":        {},
		"an exchange": exchange(),
		"a tool's": {
			{Kind: messages.ItemToolCall, Name: "weather", CallID: "call_1", Args: `{"city":"Ulm"`, Status: messages.ItemIncomplete},
			{Kind: messages.ItemToolOutput, CallID: "call_1", Parts: []messages.Part{messages.TextPart("user"), image, raw}},
		},
		"reasoning":        {{Kind: messages.ItemReasoning, Opaque: "c2lnbmF0dXJl", Parts: []messages.Part{messages.TextPart("")}}},
		"kinds of its own": {{Kind: "web_search_call", Role: "critic", Parts: []messages.Part{{Kind: "citation", Text: "\x00\xff"}}}},
		"a long one":       {messages.TextMessage(messages.RoleUser, strings.Repeat("x", 3<<20))},
		"nothing in it":    {{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			packed := pack(items)
			if diff := cmp.Diff(items, unpacked(packed)); diff != "" {
				t.Errorf("(-packed +unpacked):\n%s", diff)
			}
			size := 0
			for i := range items {
				size += sizeOf(&items[i])
			}
			if got := packed.head(); got.items != len(items) || got.size != size {
				t.Errorf("its head says %+v, want %d items and %d bytes", got, len(items), size)
			}
		})
	}
}

func TestPackingLeavesNamesOut(t *testing.T) {
	t.Parallel()
	item := messages.TextMessage(messages.RoleUser, "hi")
	item.ID = "msg_1"
	if got := unpacked(pack([]messages.Item{item})); got[0].ID != "" || got[0].Text() != "hi" {
		t.Errorf("it came back as %+v", got)
	}
}

func TestPackedItemsAreSmall(t *testing.T) {
	t.Parallel()
	items := exchange()
	if beside := len(pack(items)) - len(items[0].Text()) - len(items[1].Text()); beside > 40 {
		t.Errorf("two messages take %d bytes beside their texts", beside)
	}
}

// BenchmarkWindow is what packing adds to a turn: history of ten exchanges is
// unpacked, and one is added.
func BenchmarkWindow(b *testing.B) {
	var w window
	for range 10 {
		w = w.with(exchange(), 2000, 4<<20)
	}
	added := exchange()
	b.ReportAllocs()
	for b.Loop() {
		if len(w.items(2000, 4<<20)) != 20 {
			b.Fatal("items are missing")
		}
		w.with(added, 2000, 4<<20)
	}
}
