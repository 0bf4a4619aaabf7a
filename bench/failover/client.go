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

// request is what to ask for.
type request struct {
	model  string
	stream bool
	goOn   bool // another provider shall go on where one breaks off
}

// ask asks for an answer, and reads it to its end.
func (c *client) ask(ctx context.Context, r request) answer {
	body, _ := json.Marshal(map[string]any{ //nolint:errchkjson // of strings and a bool
		"model": r.model, "stream": r.stream, "messages": []map[string]string{{"role": "user", "content": question}},
	})
	began := time.Now()
	a, err := c.post(ctx, string(body), r)
	if err != nil {
		a.why = err.Error()
		if a.end == whole {
			a.end = lost
		}
	}
	a.took = time.Since(began)
	return a
}

func (c *client) post(ctx context.Context, body string, r request) (answer, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	q.Header.Set("Authorization", "Bearer "+c.key)
	q.Header.Set("Content-Type", "application/json")
	if r.goOn {
		q.Header.Set("X-Parley-Continue", "true")
	}
	reply, err := c.http.Do(q)
	if err != nil {
		return answer{}, err
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	if reply.StatusCode == http.StatusOK && r.stream {
		return c.readStream(reply.Body, r.goOn)
	}
	text, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", reply.StatusCode, text)
	}
	if err != nil {
		return answer{}, err
	}
	var p piece
	if err := json.Unmarshal(text, &p); err != nil {
		return answer{}, fmt.Errorf("an answer is no JSON: %w", err)
	}
	return answer{}, c.compare(p.text(), false)
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
func (c *client) readStream(body io.Reader, goOn bool) (answer, error) {
	var shown strings.Builder
	for events := sse.NewReader(body, maxEvent); ; {
		event, err := events.Next()
		if err != nil {
			return answer{end: lost}, fmt.Errorf("a stream was torn off: %w", err)
		}
		if string(event.Data) == "[DONE]" {
			return answer{}, c.compare(shown.String(), goOn)
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

// compare finds out whether a whole answer is the one that both fakes give, or
// begins like it and goes on.
func (c *client) compare(text string, goesOn bool) error {
	const begun = 3 // words before a fault
	start := strings.Join(strings.SplitAfterN(c.expected, " ", begun+1)[:begun], "")
	switch {
	case text == c.expected, goesOn && len(text) > len(start) && strings.HasPrefix(text, start):
		return nil
	default:
		return fmt.Errorf("an answer says %.100q instead of %q", text, c.expected)
	}
}
