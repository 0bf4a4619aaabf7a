package anthropic

import (
	"strings"

	"example.com/parley/messages"
)

// Reply puts a turn's chunks together into one message. Its zero value is ready;
// one goroutine uses it.
type Reply struct{ reply messages.Reply }

// Add takes a chunk in.
func (r *Reply) Add(c messages.Chunk) { r.reply.Add(c) }

// AppendJSON writes the message that the chunks made behind dst.
func (r *Reply) AppendJSON(dst []byte, id messages.TurnID, model string) []byte {
	w := begin(dst)
	appendHead(&w, id, model)
	w.name("content")
	w.dst = appendArray(w.dst, replyBlocks(r.reply.Items(id, 0, 0, messages.ItemComplete)))
	w.string("stop_reason", stopReason(r.reply.Finish))
	w.literal("stop_sequence", "null")
	appendUsage(&w, r.reply.Usage)
	return w.end()
}

func replyBlocks(items []messages.Item) [][]byte {
	var blocks [][]byte
	for i := range items {
		item := &items[i]
		switch item.Kind {
		case messages.ItemReasoning:
			blocks = append(blocks, replyThoughts(item)...)
		case messages.ItemToolCall:
			blocks = append(blocks, callBlock(item, callID(item.CallID)))
		default:
			blocks = append(blocks, textBlock(wholeText(item)))
		}
	}
	return blocks
}

// replyThoughts shows thinking that nobody signed as well: it is there to be
// read, and is left out when it comes back.
func replyThoughts(item *messages.Item) [][]byte {
	thoughts := thoughtsOf(item.Text(), item.Opaque)
	if thoughts == nil {
		thoughts = []thought{{text: item.Text()}}
	}
	blocks := make([][]byte, len(thoughts))
	for i, t := range thoughts {
		blocks[i] = thoughtBlock(t)
	}
	return blocks
}

// wholeText is a message's text, a refusal's included.
func wholeText(item *messages.Item) string {
	var text strings.Builder
	for _, part := range item.Parts {
		text.WriteString(part.Text)
	}
	return text.String()
}

// MessageID is the name of a turn's message.
func MessageID(id messages.TurnID) string { return "msg_" + id.String() }

func appendHead(w *object, id messages.TurnID, model string) {
	w.string("id", MessageID(id))
	w.string("type", "message")
	w.string("role", roleAssistant)
	w.string("model", model)
}

// appendUsage writes tokens as Anthropic counts them: what the cache gave and
// took stands beside the input.
func appendUsage(w *object, u messages.Usage) {
	w.name("usage")
	n := begin(w.dst)
	n.int("input_tokens", max(0, u.Input-u.Cached-u.CacheWrite))
	n.int("cache_creation_input_tokens", u.CacheWrite)
	n.int("cache_read_input_tokens", u.Cached)
	n.int("output_tokens", u.Output)
	if u.Reasoning > 0 {
		n.name("output_tokens_details")
		d := begin(n.dst)
		d.int("thinking_tokens", u.Reasoning)
		n.dst = d.end()
	}
	w.dst = n.end()
}

// stopReason is the opposite of finishOf.
func stopReason(f messages.FinishReason) string {
	switch f {
	case messages.FinishLength:
		return "max_tokens"
	case messages.FinishToolCalls:
		return "tool_use"
	case messages.FinishContentFilter:
		return "refusal"
	default:
		return "end_turn"
	}
}
