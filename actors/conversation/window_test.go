package conversation

import (
	"fmt"
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

func TestWindowRemembersTheNewest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		each               int // items that are added at a time
		maxItems, maxBytes int
		remembered         int
	}{
		"all that there is":       {each: 2, maxItems: 1000, maxBytes: 1 << 20, remembered: 200},
		"by number":               {each: 2, maxItems: 7, maxBytes: 1 << 20, remembered: 7},
		"by number, of long ones": {each: 100, maxItems: 7, maxBytes: 1 << 20, remembered: 7},
		"by size":                 {each: 2, maxItems: 1000, maxBytes: 10 * (itemOverhead + 3), remembered: 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const added = 200
			var w window
			for n := 0; n < added; n += tt.each {
				items := make([]messages.Item, tt.each)
				for i := range items {
					items[i] = messages.TextMessage(messages.RoleUser, fmt.Sprintf("%03d", n+i))
				}
				w = w.with(items, tt.maxItems, tt.maxBytes)
			}
			got := w.items(tt.maxItems, tt.maxBytes)
			if len(got) != tt.remembered {
				t.Fatalf("it remembers %d items, want %d", len(got), tt.remembered)
			}
			for i := range got {
				if want := fmt.Sprintf("%03d", added-len(got)+i); got[i].Text() != want {
					t.Errorf("item %d is %q, want %q", i, got[i].Text(), want)
				}
			}
			held := 0
			for _, b := range w {
				held += b.head().items
			}
			if held >= tt.remembered+blockItems {
				t.Errorf("it holds %d items to remember %d", held, tt.remembered)
			}
		})
	}
}

func TestWindowHoldsLargeItemsApart(t *testing.T) {
	t.Parallel()
	large := messages.TextMessage(messages.RoleUser, strings.Repeat("x", 2*blockBytes))
	w := window(nil).with([]messages.Item{large, large, large}, 2, 1<<30)
	if len(w) != 2 {
		t.Errorf("it holds %d of three large items, want the two that it is to remember", len(w))
	}
}
