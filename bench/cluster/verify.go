package main

import (
	"context"
	"slices"
	"sync"

	"github.com/anishathalye/porcupine"

	"example.com/parley/bench/report"
)

// verdict is what the histories come to.
type verdict struct {
	Conversations int `json:"conversations"`
	Told          int `json:"acknowledged"`
	Lost          int `json:"lost"`
	Doubled       int `json:"doubled"`
	Forks         int `json:"forks"`     // conversations that no list explains
	Undecided     int `json:"undecided"` // whose check took too long
	Unread        int `json:"unread"`
}

// verify reads every conversation once more, and holds it to what clients were told.
func verify(ctx context.Context, c *crew) (v verdict) {
	v.Conversations = len(c.all)
	var mu sync.Mutex
	var group sync.WaitGroup
	next := make(chan *history, len(c.all))
	for _, h := range c.all {
		next <- h
	}
	close(next)
	for i := range 8 {
		group.Go(func() {
			reader := newClient(c.site, i, c.note)
			for h := range next {
				found := judge(ctx, c, reader, h)
				mu.Lock()
				v.add(found)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return v
}

func (v *verdict) add(o verdict) {
	v.Told += o.Told
	v.Lost += o.Lost
	v.Doubled += o.Doubled
	v.Forks += o.Forks
	v.Undecided += o.Undecided
	v.Unread += o.Unread
}

func judge(ctx context.Context, c *crew, reader *client, h *history) (v verdict) {
	last := operation{called: c.since()}
	var err error
	if last.seen, err = reader.read(ctx, h.conversation); err != nil {
		report.Say("%s cannot be read: %v", h.conversation, err)
		v.Unread++
		return v
	}
	last.ended = c.since()
	h.note(last)
	times := make(map[int]int)
	for _, token := range last.seen {
		if times[token]++; times[token] == 2 {
			v.Doubled++
			report.Say("%s has token %d more than once: %v", h.conversation, token, last.seen)
		}
	}
	for i := range h.operations {
		if o := &h.operations[i]; o.write && o.outcome == told {
			v.Told++
			if times[o.token] == 0 {
				v.Lost++
				report.Say("%s lost token %d, acknowledged at %s; it has %v", h.conversation, o.token, o.ended, last.seen)
			}
		}
	}
	operations := slices.Clone(h.operations)
	switch isPossible(operations) {
	case porcupine.Illegal:
		v.Forks++
		report.Say("%s is explained by no order of its operations: %+v", h.conversation, operations)
	case porcupine.Unknown:
		v.Undecided++
	}
	return v
}
