package main

import (
	"encoding/json"
	"strings"

	"example.com/parley/bench/load"
)

// request is what to ask.
type request struct {
	model  string // the upstream reads how to behave in it
	stream bool
}

// The requests. The upstream answers at once but where it says otherwise.
var (
	plain    = request{model: "gpt-fake"}
	streamed = request{model: "gpt-fake", stream: true}
	// A token every 5 ms, as a fast model's, so that each is a read and a write
	// of its own.
	pacedStream = request{model: "gpt-fake-interval-5ms", stream: true}
	slowModel   = request{model: "gpt-fake-delay-100ms"}
)

const bodySize = 1024 // bytes of a request's body

// body renders a chat completion of the same size whatever its model is called.
func (r request) body() string {
	text, _ := json.Marshal(map[string]any{ //nolint:errchkjson // of strings and bools
		"model": r.model, "stream": r.stream, "store": false,
		"messages": []map[string]string{
			{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "?"},
		},
	})
	question := strings.Repeat("Why does it do that? ", bodySize/20+1)[:bodySize-len(text)+1]
	return strings.Replace(string(text), `"?"`, `"`+question+`"`, 1)
}

// render addresses a request to a subject. The key goes to all three, so that
// they read the same bytes.
func (b *bench) render(s subject, r request) load.Request {
	ends := "}"
	if r.stream {
		ends = "data: [DONE]"
	}
	return load.Post(s.address, "/v1/chat/completions", r.body(), ends, "Authorization: Bearer "+b.key)
}
