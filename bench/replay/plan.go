package main

import "math/rand/v2"

// way is how a client holds a conversation.
type way int

const (
	wayConversation way = iota // responses that name a conversation
	wayChain                   // responses that name the one before
	wayChat                    // chat completions that name a conversation
	ways
)

var wayNames = [ways]string{"conversation", "chain", "chat"}

func (w way) String() string { return wayNames[w] }

// ask is one question that a client means to put.
type ask struct {
	Question string
	Model    string // one of models
	Stream   bool
}

// script is what one client will say in one conversation.
type script struct {
	Number int
	Way    way
	Asks   []ask
}

// models are of both upstream formats, so that a history crosses from one to
// the other within a conversation. The fake reads in their names how to behave:
// streams take about a second, so that a kill finds them at every stage and
// what is kept of them is written several times.
var models = []string{"gpt-fake-" + behaviour, "claude-fake-" + behaviour}

const (
	replyWords = 100
	behaviour  = "tokens-100-delay-20ms-interval-8ms"
)

const maxTurns = 8 // of a conversation

// plan deals the questions out to conversations. The same seed plans the same.
func plan(questions []string, seed uint64) []script {
	dice := rand.New(rand.NewPCG(seed, 0))
	var scripts []script
	for asked := 0; asked < len(questions); {
		s := script{Number: len(scripts), Way: way(len(scripts) % int(ways))}
		for range min(1+dice.IntN(maxTurns), len(questions)-asked) {
			s.Asks = append(s.Asks, ask{
				Question: questions[asked],
				Model:    models[dice.IntN(len(models))],
				Stream:   asked%2 == 0,
			})
			asked++
		}
		scripts = append(scripts, s)
	}
	return scripts
}
