package fake

import (
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// Echo is the reply to a history: how often the speaker changed in it, a hash of
// all that was said, and the last words of the user.
//
//	[3/5f0e0e1c9a3b7d42] What did I say?
//
// Both formats of one history give the same echo, so that a client which knows
// what it said can tell whether all of it arrived.
func Echo(items []messages.Item) string {
	turns, sum := Fingerprint(items)
	return fmt.Sprintf("[%d/%016x] %s", turns, sum, lastWords(items))
}

// Fingerprint hashes a history. It leaves out what the formats do not share: ids
// of calls, reasoning, where a system prompt stood, how a text was cut into parts
// and messages of one speaker.
func Fingerprint(items []messages.Item) (turns int, sum uint64) {
	h := fnv.New64a()
	say(h, "", systemPrompt(items))
	role := messages.Role("")
	for i := range items {
		item := &items[i]
		speaker := speakerOf(item)
		if speaker == "" {
			continue
		}
		if speaker != role {
			role = speaker
			turns++
			say(h, "\x01", string(role))
		}
		sayItem(h, item)
	}
	return turns, h.Sum64()
}

// systemPrompt joins all that was said to the model from above, as a client of
// Anthropic's must.
func systemPrompt(items []messages.Item) string {
	var prompt []string
	for i := range items {
		if isSystem(&items[i]) {
			prompt = append(prompt, items[i].Text())
		}
	}
	return strings.Join(prompt, "\n\n")
}

func isSystem(item *messages.Item) bool {
	return item.Kind == messages.ItemMessage && (item.Role == messages.RoleSystem || item.Role == messages.RoleDeveloper)
}

// speakerOf says who an item is of, or "" for one that does not count. Tools
// speak as the user, as they do in Anthropic's format.
func speakerOf(item *messages.Item) messages.Role {
	switch {
	case item.Kind == messages.ItemReasoning, isSystem(item):
		return ""
	case item.Kind == messages.ItemToolCall:
		return messages.RoleAssistant
	case item.Kind == messages.ItemToolOutput:
		return messages.RoleUser
	default:
		return item.Role
	}
}

func sayItem(h hash.Hash64, item *messages.Item) {
	if item.Kind == messages.ItemToolCall {
		args := jsontext.Value(item.Args)
		_ = args.Compact() // what is no JSON stays as it is
		say(h, item.Name, string(args))
		return
	}
	for _, part := range item.Parts {
		if part.Image != "" || strings.TrimSpace(part.Text) != "" { // Anthropic takes no blank text
			say(h, part.Image, part.Text)
		}
	}
}

func say(h hash.Hash64, what, text string) {
	if what+text != "" {
		_, _ = io.WriteString(h, what+"\x00"+text+"\x00") // a hash takes everything
	}
}

// lastWords is the last message of the user, or what a tool said after it.
func lastWords(items []messages.Item) string {
	for i := len(items) - 1; i >= 0; i-- {
		if speakerOf(&items[i]) == messages.RoleUser {
			if text := items[i].Text(); text != "" {
				return text
			}
		}
	}
	return ""
}
