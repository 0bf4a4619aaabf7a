package fake

import (
	"fmt"
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
	h := sum64(fnvOffset)
	h.say("", systemPrompt(items))
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
			h.say("\x01", string(role))
		}
		h.sayItem(item)
	}
	return turns, uint64(h)
}

// sum64 is 64-bit FNV-1a, as hash/fnv has it, of strings that need no copy.
type sum64 uint64

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func (h *sum64) add(s string) {
	sum := *h
	for i := range len(s) {
		sum = (sum ^ sum64(s[i])) * fnvPrime
	}
	*h = sum * fnvPrime // and a zero, which ends the string
}

func (h *sum64) say(what, text string) {
	if what != "" || text != "" {
		h.add(what)
		h.add(text)
	}
}

func (h *sum64) sayItem(item *messages.Item) {
	if item.Kind == messages.ItemToolCall {
		args := jsontext.Value(item.Args)
		_ = args.Compact() // what is no JSON stays as it is
		h.say(item.Name, string(args))
		return
	}
	for i := range item.Parts {
		part := &item.Parts[i]
		if part.Image != "" || strings.TrimSpace(part.Text) != "" { // Anthropic takes no blank text
			h.say(part.Image, part.Text)
		}
	}
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
