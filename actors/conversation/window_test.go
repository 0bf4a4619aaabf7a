package conversation

import (
	"strings"
	"testing"

	"example.com/parley/messages"
)

func TestTrimDropsTheOldest(t *testing.T) {
	t.Parallel()
	text := func(s string) messages.Item { return messages.TextMessage(messages.RoleUser, s) }
	output := messages.Item{Kind: messages.ItemToolOutput, Parts: []messages.Part{messages.TextPart("result")}}
	for name, tt := range map[string]struct {
		items           []messages.Item
		maxItems, bytes int
		want            string
	}{
		"keeps all that fits":             {items: []messages.Item{text("a"), text("b")}, maxItems: 2, bytes: 1000, want: "a b"},
		"by number":                       {items: []messages.Item{text("a"), text("b"), text("c")}, maxItems: 2, bytes: 1000, want: "b c"},
		"by size":                         {items: []messages.Item{text(strings.Repeat("a", 500)), text("b"), text("c")}, maxItems: 9, bytes: 400, want: "b c"},
		"never begins with a lost call's": {items: []messages.Item{text("a"), output, text("c")}, maxItems: 2, bytes: 1000, want: "c"},
		"keeps none that is too large":    {items: []messages.Item{text("a"), text(strings.Repeat("b", 500))}, maxItems: 9, bytes: 400, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make([]string, 0, len(tt.items))
			for _, item := range trim(tt.items, tt.maxItems, tt.bytes) {
				got = append(got, item.Text())
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("kept %q, want %q", got, tt.want)
			}
		})
	}
}
