package provider

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"example.com/parley/messages"
)

// compose writes all that a simulated model says, but for the chunk that opens
// it.
func compose(model string, call *messages.Call) []messages.Chunk {
	var script []messages.Chunk
	output := 0
	for choice := range max(1, call.Options.N) {
		chunks, tokens := recite(model, call, choice)
		script = append(script, chunks...)
		output += tokens
	}
	return append(script, messages.Chunk{Kind: messages.ChunkUsage, Usage: &messages.Usage{
		Input: messages.EstimateTokens(call.Items), Output: output, Estimated: true,
	}})
}

// recite writes one choice.
func recite(model string, call *messages.Call, choice int) (script []messages.Chunk, tokens int) {
	call, begun := goingOn(call)
	if tool := wantedTool(call); tool != nil {
		return callTool(tool, call, choice)
	}
	text := strings.TrimPrefix(textFor(model, call), begun)
	for _, stop := range call.Options.Stop {
		if before, _, found := strings.Cut(text, stop); stop != "" && found {
			text = before
		}
	}
	limit, finish := math.MaxInt, messages.FinishStop
	if call.Options.MaxTokens != nil {
		limit = *call.Options.MaxTokens
	}
	said, tokens := firstTokens(text, limit)
	if len(said) < len(text) {
		finish = messages.FinishLength
	}
	if said != "" {
		script = append(script, messages.Chunk{Kind: messages.ChunkText, Choice: choice, Text: said})
	}
	return append(script, messages.Chunk{Kind: messages.ChunkFinish, Choice: choice, Finish: finish}), tokens
}

// goingOn returns a call as it was before its reply broke off, and what was said of
// that: a simulated model goes on with the very next character.
func goingOn(call *messages.Call) (asked *messages.Call, begun string) {
	items, begun := messages.BeforeGoOn(call.Items)
	if begun == "" {
		return call, ""
	}
	before := *call
	before.Items = items
	return &before, begun
}

// textFor is what the model says.
func textFor(model string, call *messages.Call) string {
	question := lastText(call.Items)
	if format := call.Options.ResponseFormat; format != nil && format.Kind == messages.ResponseJSONSchema {
		return fitting(format.Schema)
	} else if format != nil && format.Kind == messages.ResponseJSON {
		return fitting(json.RawMessage(`{"properties":{"answer":{"const":"simulated"}}}`))
	}
	switch model {
	case "echo":
		return question
	case "lorem":
		return lorem
	}
	if output := toolOutput(call.Items); output != "" {
		return "This is a simulated answer from Parley's built-in model. The tool returned: " + quote(output)
	}
	return fmt.Sprintf("This is a simulated answer from Parley's built-in model %s. You wrote: %s "+
		"No model read your message: set OPENAI_API_KEY or ANTHROPIC_API_KEY, or configure a provider, to get a real answer.",
		model, quote(question))
}

const lorem = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua. " +
	"Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat."

// quote repeats the beginning of what somebody said.
func quote(text string) string {
	const most = 200 // bytes
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= most {
		return "“" + text + "”"
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return "“" + text[:cut] + "…”"
}

// lastText is what the user said last.
func lastText(items []messages.Item) string {
	for i := len(items) - 1; i >= 0; i-- {
		if items[i].Kind == messages.ItemMessage && items[i].Role == messages.RoleUser {
			return items[i].Text()
		}
	}
	return ""
}

// toolOutput is what a tool returned, where that is what came last.
func toolOutput(items []messages.Item) string {
	if n := len(items); n > 0 && items[n-1].Kind == messages.ItemToolOutput {
		return items[n-1].Text()
	}
	return ""
}

// cutToken cuts a piece off a text that has the length of a token: a short word
// with the space before it, or part of a long one.
func cutToken(text string) (token, rest string) {
	const longest = 8 // bytes
	if text == "" {
		return "", ""
	}
	cut := strings.IndexByte(text[1:min(len(text), longest+1)], ' ') + 1
	if cut == 0 {
		for cut = min(len(text), longest); cut < len(text) && !utf8.RuneStart(text[cut]); {
			cut++
		}
	}
	return text[:cut], text[cut:]
}

// firstTokens is the beginning of a text, of at most limit tokens.
func firstTokens(text string, limit int) (said string, tokens int) {
	rest := text
	for rest != "" && tokens < limit {
		_, rest = cutToken(rest)
		tokens++
	}
	return text[:len(text)-len(rest)], tokens
}
