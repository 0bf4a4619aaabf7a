package openai

import "example.com/parley/messages"

// AppendList writes one page of n things behind dst: id names the i-th, and
// element writes it. more says that there are others behind the last.
func AppendList(dst []byte, n int, more bool, id func(i int) string, element func(dst []byte, i int) []byte) []byte {
	w := begin(dst)
	w.string("object", "list")
	w.array("data", n, element)
	if n == 0 {
		w.null("first_id")
		w.null("last_id")
	} else {
		w.string("first_id", id(0))
		w.string("last_id", id(n-1))
	}
	w.bool("has_more", more)
	return w.end()
}

// AppendItems writes a page of a conversation's items, or of a response's input.
func AppendItems(dst []byte, items []messages.StoredItem, more bool) []byte {
	return AppendList(dst, len(items), more,
		func(i int) string { return string(items[i].ID) },
		func(dst []byte, i int) []byte { return AppendItem(dst, &items[i].Item) })
}

// AppendConversations writes a page of conversations.
func AppendConversations(dst []byte, found []messages.Conversation, more bool) []byte {
	return AppendList(dst, len(found), more,
		func(i int) string { return string(found[i].Ref.Conversation) },
		func(dst []byte, i int) []byte { return AppendConversation(dst, &found[i]) })
}

// AppendModels writes the list of all models.
func AppendModels(dst []byte, cards []messages.ModelCard) []byte {
	return AppendList(dst, len(cards), false,
		func(i int) string { return cards[i].Name },
		func(dst []byte, i int) []byte { return AppendModel(dst, &cards[i]) })
}

// AppendModel writes a model.
func AppendModel(dst []byte, card *messages.ModelCard) []byte {
	w := begin(dst)
	w.string("id", card.Name)
	w.string("object", "model")
	w.int("created", max(card.Created.Unix(), 0)) // 0 where nobody knows
	w.string("owned_by", card.OwnedBy)
	return w.end()
}
