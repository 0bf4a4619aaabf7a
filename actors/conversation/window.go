package conversation

import "example.com/parley/messages"

// trim drops the oldest items until what is left fits. It never begins with a
// tool's output whose call was dropped: providers refuse that. The result
// shares no array with a longer one, so that what was dropped is freed.
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
	return append([]messages.Item(nil), items[first:]...)
}

// itemOverhead is about what an item's JSON has beside its content, in bytes.
const itemOverhead = 100

func sizeOf(item *messages.Item) int {
	size := itemOverhead + len(item.Args) + len(item.Opaque)
	for i := range item.Parts {
		size += len(item.Parts[i].Text) + len(item.Parts[i].Image) + len(item.Parts[i].Raw)
	}
	return size
}

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
