package main

import (
	"context"
	"sync/atomic"
)

// nemesis kills the server when so many turns have ended.
type nemesis struct {
	server *server
	at     []int // ended turns at which to kill
	ended  atomic.Int64
	due    chan struct{}
}

func newNemesis(s *server, kills, turns, concurrency int) *nemesis {
	return &nemesis{server: s, at: killsAt(kills, turns, concurrency), due: make(chan struct{}, kills)}
}

// killsAt plans so many kills over a run of turns: one when the last are under
// way, and the others at even distances before.
func killsAt(kills, turns, concurrency int) []int {
	var at []int
	for i := 1; i < kills; i++ {
		at = append(at, max(1, turns*i/kills))
	}
	if kills > 0 {
		at = append(at, max(1, turns-concurrency/2))
	}
	return at
}

// turnEnded counts. It never blocks: due has room for every kill.
func (n *nemesis) turnEnded() {
	ended := int(n.ended.Add(1))
	for _, at := range n.at {
		if ended == at {
			n.due <- struct{}{}
		}
	}
}

// run kills when it is time, until ctx ends or the server does not come back.
func (n *nemesis) run(ctx context.Context) error {
	for range n.at {
		select {
		case <-n.due:
			if err := n.server.crash(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}
