package conversation

import "example.com/parley/messages"

// window is what a conversation remembers for its model: the newest items, oldest
// first, packed. It holds all that fits, and up to a block more.
type window []block

// A block ends behind so many items, or so many bytes of them. That bounds what
// is remembered in vain when some of its items have become too old.
const (
	blockItems = 16
	blockBytes = 64 << 10
)

// with returns the window with items at its end, without the blocks that have
// become too old whole.
func (w window) with(items []messages.Item, maxItems, maxBytes int) window {
	for first := 0; first < len(items); {
		last := blockEnd(items, first)
		w = append(w, pack(items[first:last]))
		first = last
	}
	kept, size, first := 0, 0, len(w)
	for first > 0 && kept < maxItems && size <= maxBytes {
		first--
		head := w[first].head()
		kept, size = kept+head.items, size+head.size
	}
	return append(window(nil), w[first:]...) // of its own length: most never grow
}

// blockEnd is the place behind the last item of the block that begins at first.
func blockEnd(items []messages.Item, first int) int {
	last, size := first, 0
	for last < len(items) && last-first < blockItems && size < blockBytes {
		size += sizeOf(&items[last])
		last++
	}
	return last
}

// items are those that a model is to read.
func (w window) items(maxItems, maxBytes int) []messages.Item {
	var count blockHead
	for _, b := range w {
		head := b.head()
		count.items, count.parts = count.items+head.items, count.parts+head.parts
	}
	items, parts := make([]messages.Item, count.items), make([]messages.Part, count.parts)
	itemsLeft, partsLeft := items, parts
	for _, b := range w {
		itemsLeft, partsLeft = b.unpack(itemsLeft, partsLeft)
	}
	return trim(items, maxItems, maxBytes)
}

// trim leaves the oldest items out until the rest fits. It never begins with a
// tool's output whose call was left out: providers refuse that.
func trim(items []messages.Item, maxItems, maxBytes int) []messages.Item {
	first, size := len(items), 0
	for first > 0 && len(items)-first < maxItems {
		size += sizeOf(&items[first-1])
		if size > maxBytes {
			break
		}
		first--
	}
	if first == 0 {
		return items
	}
	for first < len(items) && items[first].Kind == messages.ItemToolOutput {
		first++
	}
	return items[first:]
}

// itemOverhead is about what an item's JSON has beside its content, in bytes.
const itemOverhead = 100

func sizeOf(item *messages.Item) int { return itemOverhead + item.Size() }

// everything is all that the model is to read in this turn.
func everything(spec *messages.TurnSpec, history []messages.Item) []messages.Item {
	if spec.Instructions == "" && len(history) == 0 {
		return spec.Input
	}
	items := make([]messages.Item, 0, 1+len(history)+len(spec.Input))
	if spec.Instructions != "" {
		items = append(items, messages.TextMessage(messages.RoleSystem, spec.Instructions))
	}
	items = append(items, history...)
	return append(items, spec.Input...)
}
