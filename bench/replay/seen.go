package main

import (
	"strings"
	"time"
)

// end is what a client knows of a turn's end.
type end int

const (
	endUnknown end = iota // nobody ever answered
	endWhole              // the reply came, and was complete
	endCut                // the reply came, and said that it is not complete
)

// piece is a part of a reply that a client was shown.
type piece struct {
	At   time.Time
	Text string
}

// glimpse is what a client was shown before its connection broke.
type glimpse struct {
	Response string // the reply's id, as far as it was shown
	Pieces   []piece
	Cut      time.Time
}

func (g *glimpse) text() string {
	var text []byte
	for _, p := range g.Pieces {
		text = append(text, p.Text...)
	}
	return string(text)
}

// turn is one question and everything that the client saw of its answer.
type turn struct {
	ask
	Key      string // idempotency key
	End      end
	Response string // the id of the acknowledged reply
	Text     string // of the acknowledged reply
	Glimpses []glimpse
	Began    time.Time
	Ended    time.Time
	First    time.Duration // until the first text of a stream that was not interrupted
	Tries    int
	Outages  int    // that the server had meanwhile
	Problem  string // why nobody answered
}

// touched tells whether the turn met an outage: only then may it be cut, and
// its latency is not the server's.
func (t *turn) touched() bool { return t.Outages > 0 }

// lost is how many tries of the turn nobody answered.
func (t *turn) lost() int { return max(0, t.Tries-1) }

// agrees tells whether text begins what the client was shown, or the other
// way round.
func (g *glimpse) agrees(text string) bool {
	shown := g.text()
	return strings.HasPrefix(shown, text) || strings.HasPrefix(text, shown)
}

// conversation is a script as it was played.
type conversation struct {
	script
	ID    string // of the conversation; empty in a chain
	Turns []*turn
}
