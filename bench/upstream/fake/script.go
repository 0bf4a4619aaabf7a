package fake

import (
	"fmt"
	"strconv"
	"strings"

	"example.com/parley/messages"
)

// call is a request in no provider's format.
type call struct {
	model   string
	stream  bool
	choices int
	items   []messages.Item
	options *messages.Options
	tokens  int // of the prompt
}

// play writes the reply to c: chunks from ChunkOpened to ChunkUsage. Every delta
// is one word, so that after-N and interval-D can count them.
func play(b *Behaviour, c *call) []messages.Chunk {
	text, tools := words(b, c.items), toolsToCall(b, c)
	spoken := len(text)
	switch {
	case len(tools) > 0 && b.Tokens == 0:
		text, spoken = nil, 0
	case !c.stream: // nobody sees the words apart
		text = []string{strings.Join(text, "")}
	}
	choices := max(1, c.choices)
	chunks := make([]messages.Chunk, 0, choices*(b.Thinking+len(text)+4*len(tools)+1)+2)
	chunks = append(chunks, messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{Model: c.model}})
	for choice := range choices {
		for i := range b.Thinking {
			chunks = append(chunks, messages.Chunk{Kind: messages.ChunkReasoning, Choice: choice, Text: "thought" + strconv.Itoa(i+1) + " "})
		}
		chunks = appendSignature(chunks, choice)
		for _, word := range text {
			chunks = append(chunks, messages.Chunk{Kind: messages.ChunkText, Choice: choice, Text: word})
		}
		for i, tool := range tools {
			chunks = appendToolCall(chunks, choice, i, tool, lastWords(c.items))
		}
	}
	for choice := range choices {
		chunks = append(chunks, messages.Chunk{Kind: messages.ChunkFinish, Choice: choice, Finish: finish(b, len(tools))})
	}
	if b.Fault.Kind == FaultNoUsage {
		return chunks
	}
	return append(chunks, messages.Chunk{Kind: messages.ChunkUsage, Usage: &messages.Usage{
		Input: max(c.tokens, b.Cached), Cached: b.Cached,
		Output: choices * (b.Thinking + spoken + callTokens*len(tools)), Reasoning: choices * b.Thinking,
	}})
}

// appendSignature signs the thinking, if there is any, as Anthropic does: the
// record is that of messages/wire/anthropic.
func appendSignature(chunks []messages.Chunk, choice int) []messages.Chunk {
	length := 0
	for i := range chunks {
		if chunks[i].Kind == messages.ChunkReasoning && chunks[i].Choice == choice {
			length += len(chunks[i].Text)
		}
	}
	if length == 0 {
		return chunks
	}
	last := &chunks[len(chunks)-1]
	last.Detail = &messages.ChunkDetail{Opaque: fmt.Sprintf("anthropic:t%d:ZmFrZQ==;", length)}
	return chunks
}

// words is the text of the reply, word by word, with the space behind each.
func words(b *Behaviour, items []messages.Item) []string {
	if b.Tokens == 0 {
		return strings.SplitAfter(Echo(items), " ")
	}
	text := strings.SplitAfterN(Echo(items), " ", b.Tokens+1)
	for i := len(text); i < b.Tokens; i++ {
		text = append(text, " word"+strconv.Itoa(i+1))
	}
	return text[:b.Tokens]
}

// toolsToCall names the functions that the reply calls.
func toolsToCall(b *Behaviour, c *call) []string {
	tools := c.options.Tools
	if len(tools) == 0 {
		return nil
	}
	if b.Tools > 0 {
		names := make([]string, b.Tools)
		for i := range names {
			names[i] = tools[i%len(tools)].Name
		}
		return names
	}
	choice := c.options.ToolChoice
	switch {
	case choice != nil && choice.Mode == messages.ToolNone:
		return nil
	case choice != nil && choice.Mode == messages.ToolFunction:
		return []string{choice.Name}
	case choice != nil && choice.Mode == messages.ToolRequired:
		return []string{tools[0].Name}
	default:
		return toolNamed(c)
	}
}

// toolNamed is the tool that the last message names. What a tool said asks for
// nothing.
func toolNamed(c *call) []string {
	if len(c.items) == 0 || c.items[len(c.items)-1].Kind != messages.ItemMessage {
		return nil
	}
	asked := lastWords(c.items)
	for i := range c.options.Tools {
		if name := c.options.Tools[i].Name; name != "" && strings.Contains(asked, name) {
			return []string{name}
		}
	}
	return nil
}

// callTokens is what a tool call counts: a start and three fragments.
const callTokens = 4

// appendToolCall calls a tool with {"query":"..."}.
func appendToolCall(chunks []messages.Chunk, choice, index int, name, query string) []messages.Chunk {
	id := fmt.Sprintf("call_%d_%d", choice, index)
	quoted := quote(query)
	return append(chunks,
		messages.Chunk{Kind: messages.ChunkToolCall, Choice: choice, Index: index, Detail: &messages.ChunkDetail{CallID: id, Name: name}},
		messages.Chunk{Kind: messages.ChunkToolCall, Choice: choice, Index: index, Text: `{"query":`},
		messages.Chunk{Kind: messages.ChunkToolCall, Choice: choice, Index: index, Text: quoted},
		messages.Chunk{Kind: messages.ChunkToolCall, Choice: choice, Index: index, Text: `}`},
	)
}

func finish(b *Behaviour, tools int) messages.FinishReason {
	switch {
	case b.Finish != "":
		return b.Finish
	case tools > 0:
		return messages.FinishToolCalls
	default:
		return messages.FinishStop
	}
}

// tokensOf counts what was said: a token a word, and three for each item around
// it.
func tokensOf(items []messages.Item) int {
	n := 0
	for i := range items {
		n += 3 + countWords(items[i].Args)
		for j := range items[i].Parts {
			n += countWords(items[i].Parts[j].Text)
		}
	}
	return n
}

// countWords counts what ASCII's blanks divide.
func countWords(s string) (n int) {
	inside := false
	for i := range len(s) {
		blank := s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r'
		if !blank && !inside {
			n++
		}
		inside = !blank
	}
	return n
}
