package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"example.com/parley/bench/upstream/fake"
	"example.com/parley/messages"
	"example.com/parley/messages/wire/sse"
)

// end is how an answer ended for a client.
type end uint8

const (
	whole end = iota // with everything in it
	told             // after some text, with an error that says so
	lost             // in any other way: with an error and no text, or torn off
)

// answer is what a client saw of one.
type answer struct {
	end  end
	took time.Duration // until the end
	why  string        // of one that is not whole
}

// client asks as any OpenAI client would. It is safe for use by many goroutines.
type client struct {
	base     string // http://host:port
	key      string
	http     *http.Client
	expected string // text of a whole answer
}

const (
	maxEvent = 1 << 20 // bytes
	patience = time.Minute
)

func newClient(address, key string) *client {
	return &client{
		base: "http://" + address, key: key, expected: fake.Echo([]messages.Item{messages.TextMessage(messages.RoleUser, question)}),
		http: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: manyAtOnce}},
	}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// The question, and what both fakes say to it. Its words are chosen so that the
// server's estimate of its tokens is what the fakes count: whoever is billed for
// an attempt of which nothing is known is billed the same.
const (
	question       = "why is it so bad"
	questionTokens = 8
)

// ask asks the model, and reads the answer to its end.
func (c *client) ask(ctx context.Context, model string, stream bool) answer {
	body, _ := json.Marshal(map[string]any{ //nolint:errchkjson // of strings and a bool
		"model": model, "stream": stream, "messages": []map[string]string{{"role": "user", "content": question}},
	})
	began := time.Now()
	a, err := c.post(ctx, string(body), stream)
	if err != nil {
		a.why = err.Error()
		if a.end == whole {
			a.end = lost
		}
	}
	a.took = time.Since(began)
	return a
}

func (c *client) post(ctx context.Context, body string, stream bool) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	request.Header.Set("Content-Type", "application/json")
	reply, err := c.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	if reply.StatusCode == http.StatusOK && stream {
		return c.readStream(reply.Body)
	}
	text, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", reply.StatusCode, text)
	}
	if err != nil {
		return answer{}, err
	}
	var r piece
	if err := json.Unmarshal(text, &r); err != nil {
		return answer{}, fmt.Errorf("an answer is no JSON: %w", err)
	}
	return answer{}, c.compare(r.text())
}

// piece is an answer, or an event of one.
type piece struct {
	Choices []struct {
		Message struct {
			Content string `json:"content"`
		} `json:"message"`
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
	} `json:"choices"`
	Error *struct {
		Message string `json:"message"`
		Code    string `json:"code"`
	} `json:"error"`
}

func (p *piece) text() (text string) {
	for i := range p.Choices {
		text += p.Choices[i].Message.Content + p.Choices[i].Delta.Content
	}
	return text
}

// readStream reads a stream to its end. Whatever is neither [DONE] nor an error
// after some text is a loss.
func (c *client) readStream(body io.Reader) (answer, error) {
	var shown strings.Builder
	for events := sse.NewReader(body, maxEvent); ; {
		event, err := events.Next()
		if err != nil {
			return answer{end: lost}, fmt.Errorf("a stream was torn off: %w", err)
		}
		if string(event.Data) == "[DONE]" {
			return answer{}, c.compare(shown.String())
		}
		var p piece
		if err := json.Unmarshal(event.Data, &p); err != nil {
			return answer{end: lost}, fmt.Errorf("an event is no JSON: %w", err)
		}
		if p.Error != nil {
			return answer{end: endOf(shown.Len() > 0)}, fmt.Errorf("%s: %s", p.Error.Code, p.Error.Message)
		}
		shown.WriteString(p.text())
	}
}

func endOf(shown bool) end {
	if shown {
		return told
	}
	return lost
}

// compare finds out whether a whole answer is the one that both fakes give.
func (c *client) compare(text string) error {
	if text != c.expected {
		return fmt.Errorf("an answer says %.100q instead of %q", text, c.expected)
	}
	return nil
}
