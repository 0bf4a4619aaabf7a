package main

import (
	"context"
	"slices"
)

// history is what became of what was acknowledged.
type history struct {
	Acknowledged int `json:"acknowledged"`
	Lost         int `json:"lost"`
	Twice        int `json:"twice"`
	Forks        int `json:"forks"` // conversations of which servers tell two histories, or another order
}

// look compares what a writer knows with what all servers say.
func (h *history) look(ctx context.Context, w *writer) error {
	var first []string
	for i, n := range w.fleet.nodes {
		said, err := w.client.said(ctx, n, w.conversation)
		if err != nil {
			return err
		}
		if i == 0 {
			first = said
		} else if !slices.Equal(first, said) {
			h.Forks++
		}
	}
	h.compare(w.acknowledged, first)
	return nil
}

// compare wants everything acknowledged once and in order. More may be there: what
// was written before a server fell, and never acknowledged.
func (h *history) compare(acknowledged, said []string) {
	h.Acknowledged += len(acknowledged)
	times := make(map[string]int, len(said))
	for _, text := range said {
		times[text]++
	}
	at := 0
	for _, text := range acknowledged {
		switch times[text] {
		case 0:
			h.Lost++
			continue
		case 1:
		default:
			h.Twice++
			continue
		}
		place := slices.Index(said, text)
		if place < at {
			h.Forks++
		}
		at = place
	}
}
