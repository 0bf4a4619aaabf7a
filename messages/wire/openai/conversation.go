package openai

import (
	"bytes"

	"example.com/parley/messages"
)

// maxItemsAdded is how many items one request may add to a conversation, as with
// OpenAI: each append is one transaction.
const maxItemsAdded = 20

// ConversationCreate is a request to POST /v1/conversations.
type ConversationCreate struct {
	Metadata map[string]string
	Items    []messages.Item
}

// DecodeConversationCreate reads a request; an empty body asks for an empty
// conversation. Its errors are *messages.Failure.
func DecodeConversationCreate(body []byte) (*ConversationCreate, error) {
	create := &ConversationCreate{}
	if len(bytes.TrimSpace(body)) == 0 {
		return create, nil
	}
	return create, decodeConversation(body, create, nil)
}

// DecodeConversationUpdate reads a request to POST /v1/conversations/{id}: the
// metadata that replaces the conversation's. Its errors are *messages.Failure.
func DecodeConversationUpdate(body []byte) (map[string]string, error) {
	var update ConversationCreate
	err := decodeConversation(body, &update, func() error {
		if update.Metadata == nil {
			return invalid("metadata", "is missing", "send the pairs to keep, {} for none")
		}
		return nil
	})
	return update.Metadata, err
}

// DecodeItemsAdd reads a request to POST /v1/conversations/{id}/items. Its errors
// are *messages.Failure.
func DecodeItemsAdd(body []byte) ([]messages.Item, error) {
	var add ConversationCreate
	err := decodeConversation(body, &add, func() error {
		if len(add.Items) == 0 {
			return invalid("items", "is missing or empty", "send 1 to 20 items")
		}
		return nil
	})
	return add.Items, err
}

// decodeConversation reads the members that the three requests have, and then
// checks.
func decodeConversation(body []byte, into *ConversationCreate, check func() error) error {
	r := newReader(body)
	defer r.release()
	err := r.object(func(name []byte) (err error) {
		switch string(name) {
		case "metadata":
			into.Metadata, err = r.metadata()
		case "items":
			into.Items, err = r.items(maxItemsAdded)
		default:
			err = r.skip()
		}
		return err
	})
	if err == nil {
		err = r.end()
	}
	if err == nil && check != nil {
		err = check()
	}
	if err != nil {
		return refusal(err, body)
	}
	return nil
}

// AppendConversation writes a conversation behind dst.
func AppendConversation(dst []byte, c *messages.Conversation) []byte {
	w := begin(dst)
	w.string("id", string(c.Ref.Conversation))
	w.string("object", "conversation")
	w.int("created_at", c.Created.Unix())
	w.name("metadata")
	w.dst = appendMetadata(w.dst, c.Metadata)
	return w.end()
}

// AppendConversationDeleted writes what DELETE /v1/conversations/{id} answers.
func AppendConversationDeleted(dst []byte, id messages.ConversationID) []byte {
	return appendDeleted(dst, string(id), "conversation.deleted")
}
