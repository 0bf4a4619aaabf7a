package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"example.com/parley/bench/load"
)

// scenario is what bounds the server, and what it is asked.
type scenario struct {
	name    string
	config  string // YAML of the server
	model   string // the upstream reads how to behave in it
	stream  bool
	busy    int // connections that find out the capacity
	clients int // connections of the tenant that floods: enough for all that wait, and for refusals
	factors []factor
	polite  bool // the polite tenant's patience is a target too

	processors float64 // that the server may use; 0: all of its core
}

// factor is a load, in capacities.
type factor struct {
	name  string
	times float64
	least float64 // of the peak, that is to be goodput; 0: nothing is wanted
}

// places bounds the server by how many turns it may run.
func places() scenario {
	const running = 64
	return scenario{
		name: "places", config: fmt.Sprintf("admission: {max_running: %d, max_waiting: 256}\n", running), model: "gpt-fake-delay-50ms",
		busy: 2 * running, clients: 512,
		factors: factors(), polite: true,
	}
}

func factors() []factor {
	return []factor{{"at_0.5x", 0.5, 0}, {"at_1x", 1, 0}, {"at_2x", 2, 0.9}, {"at_5x", 5, 0.8}}
}

// processor bounds it by its processor, of which it has a part, as in a container: who
// sends streams and who reads them needs half of what the server does, and on a machine of
// two cores would be slow first. Streams are of a hundred tokens, a short answer of a model:
// they cost some forty times as much as a refusal. It wants goodput alone: while the limit
// of turns is found out all wait for the processor, the polite tenant too.
func processor() scenario {
	return scenario{
		processors: 0.4,
		name:       "processor", config: "admission: {max_waiting: 256}\n", model: "gpt-fake-tokens-100-interval-2ms", stream: true,
		busy: 256, clients: 512,
		factors: factors(),
	}
}

const promptSize = 1 << 10 // bytes

// requests are chat completions with a key. They are all alike: the server has no
// cache here.
func (b *bench) requests(s scenario, key string) []load.Request {
	question := strings.Repeat("Why does it do that? ", promptSize/21+1)[:promptSize]
	text, _ := json.Marshal(map[string]any{ //nolint:errchkjson // of strings and bools
		"model": s.model, "stream": s.stream, "messages": []map[string]string{{"role": "user", "content": question}},
	})
	ends := "}"
	if s.stream {
		ends = "data: [DONE]"
	}
	return []load.Request{load.Post(b.settings.Address, "/v1/chat/completions", string(text), ends, "Authorization: Bearer "+key)}
}
