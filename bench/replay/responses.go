package main

import (
	"encoding/json"
	"io"

	"example.com/parley/messages/wire/sse"
)

// responseObject is a response, as far as it matters here.
type responseObject struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Output []item `json:"output"`
	Error  *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// item is one of a conversation.
type item struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Role    string `json:"role"`
	Content []struct {
		Text string `json:"text"`
	} `json:"content"`
}

func (i *item) line() line {
	l := line{Role: i.Role}
	for _, part := range i.Content {
		l.Text += part.Text
	}
	if i.Type != "message" {
		l.Role = i.Type
	}
	return l
}

// text joins what the model said.
func (r *responseObject) text() string {
	var text string
	for i := range r.Output {
		text += r.Output[i].line().Text
	}
	return text
}

func (r *responseObject) end() (end, error) {
	switch r.Status {
	case "completed":
		return endWhole, nil
	case "incomplete":
		return endCut, nil
	case "failed":
		return endUnknown, &refusal{status: 200, code: r.Error.Code, text: r.Error.Message, again: true}
	default:
		return endUnknown, faulty("a response ended with status %q", r.Status)
	}
}

// respondTo asks for a response within a conversation, or behind another
// response; both may be empty at the beginning of a chain.
func respondTo(t *turn, conversation, previous string) *request {
	body, _ := json.Marshal(struct { //nolint:errchkjson // of strings and a bool
		Model        string `json:"model"`
		Input        string `json:"input"`
		Stream       bool   `json:"stream"`
		Conversation string `json:"conversation,omitempty"`
		Previous     string `json:"previous_response_id,omitempty"`
	}{t.Model, t.Question, t.Stream, conversation, previous})
	return &request{path: "/v1/responses", key: t.Key, body: body}
}

func (r *reply) readResponse(body io.Reader) error {
	var whole responseObject
	if err := decode(body, &whole); err != nil {
		return err
	}
	return r.acknowledge(&whole)
}

func (r *reply) acknowledge(whole *responseObject) (err error) {
	if err := r.name(whole.ID); err != nil {
		return err
	}
	r.text = whole.text()
	r.end, err = whole.end()
	return err
}

// responseEvent is any event of a response's stream.
type responseEvent struct {
	Type     string          `json:"type"`
	Number   int64           `json:"sequence_number"`
	Delta    string          `json:"delta"`
	Response *responseObject `json:"response"`
	Code     string          `json:"code"`
	Message  string          `json:"message"`
}

func (r *reply) readResponseStream(body io.Reader) error {
	numbers := numbering{}
	return events(body, func(event sse.Event) (last bool, err error) {
		var e responseEvent
		if err := parse(event.Data, &e); err != nil {
			return true, err
		}
		if e.Type != event.Name {
			return true, faulty("an event is called %q and %q", event.Name, e.Type)
		}
		if err := numbers.check(&e); err != nil {
			return true, err
		}
		switch e.Type {
		case "response.created", "response.in_progress":
			return false, r.name(e.Response.ID)
		case "response.output_text.delta":
			r.show(e.Delta)
		case "response.completed", "response.incomplete", "response.failed":
			return true, r.close(e.Response)
		case "error":
			return true, &refusal{status: 200, code: e.Code, text: e.Message, again: true}
		}
		return false, nil
	})
}

// close takes the last event, which has to say what the others said.
func (r *reply) close(whole *responseObject) error {
	if err := r.acknowledge(whole); err != nil {
		return err
	}
	if shown := r.shown(); shown != r.text {
		return faulty("a stream showed %d bytes, and in its end it has %d", len(shown), len(r.text))
	}
	return nil
}

// numbering checks that a stream's events are numbered as the server promises:
// from 0, by one an event, and by its bytes a delta, so that a number does not
// depend on how the text came.
type numbering struct{ next int64 }

func (n *numbering) check(e *responseEvent) error {
	step := max(1, int64(len(e.Delta)))
	if due := n.next + step - 1; e.Number != due {
		return faulty("%s has the number %d, and %d was due", e.Type, e.Number, due)
	}
	n.next += step
	return nil
}
