package fake

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
	"example.com/parley/messages/wire/openai"
)

// created is when everything happens: a reply is a function of its request.
var created = time.Unix(1_750_000_000, 0)

// chatFormat is OpenAI's chat completions.
type chatFormat struct{}

func (chatFormat) decode(body []byte, id messages.TurnID) (call, encoder, error) {
	r, err := openai.DecodeChatRequest(body)
	if err != nil {
		return call{}, nil, err
	}
	c := call{model: r.Model, stream: r.Stream, choices: r.Options.N, items: r.Input, options: &r.Options, tokens: tokensOf(r.Input)}
	return c, &chatEncoder{stream: openai.ChatStream{
		ID: id, Model: r.Model, Created: created, IncludeUsage: r.IncludeUsage,
	}}, nil
}

func (chatFormat) appendError(dst []byte, status int, message string) []byte {
	kind := "server_error"
	switch {
	case status == 401:
		kind = "authentication_error"
	case status == 403:
		kind = "permission_error"
	case status == 429:
		kind = "rate_limit_error"
	case status < 500:
		kind = "invalid_request_error"
	}
	return openai.AppendError(dst, openai.Error{Message: message, Type: kind})
}

func (chatFormat) appendModels(dst []byte, names []string) []byte {
	cards := make([]messages.ModelCard, len(names))
	for i, name := range names {
		cards[i] = messages.ModelCard{Name: name, OwnedBy: "fake", Created: created}
	}
	return openai.AppendModels(dst, cards)
}

type chatEncoder struct{ stream openai.ChatStream }

func (e *chatEncoder) append(dst []byte, c messages.Chunk) []byte { return e.stream.Append(dst, c) }

func (e *chatEncoder) whole(dst []byte, chunks []messages.Chunk) []byte {
	var r openai.ChatReply
	for _, c := range chunks {
		r.Add(c)
	}
	return r.AppendJSON(dst, e.stream.ID, e.stream.Model, e.stream.Created)
}

// messagesFormat is Anthropic's messages.
type messagesFormat struct{}

func (messagesFormat) decode(body []byte, id messages.TurnID) (call, encoder, error) {
	r, err := anthropic.DecodeRequest(body)
	if err != nil {
		return call{}, nil, err
	}
	c := call{model: r.Model, stream: r.Stream, items: r.Input, options: &r.Options, tokens: tokensOf(r.Input)}
	return c, &messagesEncoder{stream: anthropic.Stream{
		ID: id, Model: r.Model, Usage: messages.Usage{Input: c.tokens, Output: 1},
	}}, nil
}

func (messagesFormat) appendError(dst []byte, status int, message string) []byte {
	return anthropic.AppendError(dst, anthropic.ErrorKind(status), message)
}

func (messagesFormat) appendModels(dst []byte, names []string) []byte {
	dst = append(dst, `{"data":[`...)
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, `{"type":"model","id":`...), quote(name)...)
		dst = append(append(dst, `,"display_name":`...), quote(name)...)
		dst = append(dst, `,"created_at":"2025-06-15T15:06:40Z"}`...)
	}
	dst = append(append(dst, `],"has_more":false,"first_id":`...), quote(names[0])...)
	return append(append(append(dst, `,"last_id":`...), quote(names[len(names)-1])...), '}')
}

type messagesEncoder struct{ stream anthropic.Stream }

func (e *messagesEncoder) append(dst []byte, c messages.Chunk) []byte { return e.stream.Append(dst, c) }

func (e *messagesEncoder) whole(dst []byte, chunks []messages.Chunk) []byte {
	var r anthropic.Reply
	for _, c := range chunks {
		r.Add(c)
	}
	return r.AppendJSON(dst, e.stream.ID, e.stream.Model)
}

func quote(s string) string {
	quoted, _ := jsontext.AppendQuote(nil, s) // what is no UTF-8 was refused before
	return string(quoted)
}
