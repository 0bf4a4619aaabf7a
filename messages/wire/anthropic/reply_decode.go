package anthropic

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// lenient reads what a provider wrote: its mistakes are not the client's.
func lenient(data []byte, v any) error {
	return json.Unmarshal(data, v, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// message is a reply, whole or as it starts a stream.
type message struct {
	Type       string         `json:"type"`
	Model      string         `json:"model"`
	Content    []contentBlock `json:"content"`
	StopReason string         `json:"stop_reason"`
	Usage      usage          `json:"usage"`
	Error      *wireError     `json:"error"`
}

// contentBlock is a block of a reply, with the members of every kind that is read.
type contentBlock struct {
	Type      string         `json:"type"`
	Text      string         `json:"text"`
	Thinking  string         `json:"thinking"`
	Signature string         `json:"signature"`
	Data      string         `json:"data"`
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Input     jsontext.Value `json:"input"`
}

// usage is cumulative: a later one replaces what it names of an earlier one.
type usage struct {
	Input         *int   `json:"input_tokens"`
	CacheCreation *int   `json:"cache_creation_input_tokens"`
	CacheRead     *int   `json:"cache_read_input_tokens"`
	Output        *int   `json:"output_tokens"`
	ServiceTier   string `json:"service_tier"`
	OutputDetails struct {
		Thinking int `json:"thinking_tokens"`
	} `json:"output_tokens_details"`
}

// addTo takes in what u names. Anthropic counts what the cache gave and took
// beside the input; in [messages.Usage] both are part of it.
func (u *usage) addTo(m *meter) {
	replace := func(to, from *int) {
		if from != nil {
			*to = max(0, *from)
			m.known = true
		}
	}
	replace(&m.fresh, u.Input)
	replace(&m.cacheWrite, u.CacheCreation)
	replace(&m.cacheRead, u.CacheRead)
	replace(&m.output, u.Output)
	if u.OutputDetails.Thinking > 0 {
		m.thinking = u.OutputDetails.Thinking
	}
}

// meter is what usage came to so far.
type meter struct {
	known                                          bool
	fresh, cacheWrite, cacheRead, output, thinking int
}

func (m *meter) usage() messages.Usage {
	return messages.Usage{
		Input:      m.fresh + m.cacheRead + m.cacheWrite,
		Output:     m.output,
		Cached:     m.cacheRead,
		CacheWrite: m.cacheWrite,
		Reasoning:  m.thinking,
	}
}

// finishOf says in OpenAI's words why the model stopped. A paused turn and what
// is not known yet are an ordinary stop: what there is, is whole.
func finishOf(stopReason string) messages.FinishReason {
	switch stopReason {
	case "max_tokens", "model_context_window_exceeded":
		return messages.FinishLength
	case "tool_use":
		return messages.FinishToolCalls
	case "refusal":
		return messages.FinishContentFilter
	default: // end_turn, stop_sequence, pause_turn
		return messages.FinishStop
	}
}

// DecodeReply reads the body of a reply that was not streamed, as the chunks
// that a stream of it would have been.
func DecodeReply(body []byte) ([]messages.Chunk, error) {
	var m message
	if err := lenient(body, &m); err != nil {
		return nil, unreadable(err)
	}
	switch {
	case m.Error != nil:
		return nil, m.Error.failure(0, 0)
	case m.Type != "message":
		return nil, unreadable(fmt.Errorf("type is %q, not message", m.Type))
	}
	d := Decoder{}
	var chunks []messages.Chunk
	emit := func(c messages.Chunk) { chunks = append(chunks, c) }
	d.open(&m, emit)
	for i := range m.Content {
		d.startBlock(i, &m.Content[i], emit)
		d.stopBlock(i, emit)
	}
	d.finish(m.StopReason, emit)
	d.report(emit)
	return chunks, nil
}

// unreadable is the failure of a reply that is not in this format.
func unreadable(cause error) *messages.Failure {
	return &messages.Failure{
		Code: messages.CodeProviderFailed, What: "the provider's reply could not be read",
		Do: "try again; if it persists, check that the provider's address is that of a Messages API", Cause: cause,
	}
}
