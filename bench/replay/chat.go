package main

import (
	"encoding/json"
	"io"

	"example.com/parley/messages/wire/sse"
)

// completion is a chat completion, or a chunk of one.
type completion struct {
	apiError
	ID      string `json:"id"`
	Choices []struct {
		Message struct {
			Content string `json:"content"`
		} `json:"message"`
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
		Finish string `json:"finish_reason"`
	} `json:"choices"`
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// completeIn asks for a chat completion that is kept in a conversation.
func completeIn(t *turn, conversation string) *request {
	body, _ := json.Marshal(struct { //nolint:errchkjson // of strings and a bool
		Model    string        `json:"model"`
		Messages []chatMessage `json:"messages"`
		Stream   bool          `json:"stream"`
	}{t.Model, []chatMessage{{"user", t.Question}}, t.Stream})
	return &request{
		path: "/v1/chat/completions", key: t.Key, body: body,
		headers: map[string]string{"X-Parley-Conversation": conversation},
	}
}

func (r *reply) readCompletion(body io.Reader) error {
	var whole completion
	if err := decode(body, &whole); err != nil {
		return err
	}
	if len(whole.Choices) != 1 {
		return faulty("a completion has %d choices", len(whole.Choices))
	}
	r.text = whole.Choices[0].Message.Content
	r.end = finished(whole.Choices[0].Finish)
	return r.name(whole.ID)
}

// finished reads a finish reason: any other than stop tells that something is
// missing.
func finished(reason string) end {
	if reason == "stop" {
		return endWhole
	}
	return endCut
}

func (r *reply) readCompletionStream(body io.Reader) error {
	finish := ""
	return events(body, func(event sse.Event) (last bool, err error) {
		if string(event.Data) == "[DONE]" {
			r.text, r.end = r.shown(), finished(finish)
			return true, nil
		}
		var chunk completion
		if err := parse(event.Data, &chunk); err != nil {
			return true, err
		}
		if chunk.Error != nil { // ends the stream: what was shown is all that there is
			r.text, r.end = r.shown(), endCut
			return true, nil
		}
		for _, choice := range chunk.Choices {
			if choice.Delta.Content != "" {
				r.show(choice.Delta.Content)
			}
			finish += choice.Finish
		}
		return false, r.name(chunk.ID)
	})
}
