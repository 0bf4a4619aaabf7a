package main

import (
	"context"
	"fmt"
)

// subject is one of the three that are asked.
type subject struct {
	name    string
	address string
	process usageOf
}

// The subjects' names.
const (
	direct    = "direct"
	bareproxy = "bareproxy"
	server    = "server"
)

// measurement finds out something about a subject.
type measurement func(ctx context.Context, s subject) (sample, error)

// interleave measures every subject once a round, and begins each round with
// another one.
func interleave(ctx context.Context, subjects []subject, rounds int, measure measurement) (map[string]series, error) {
	found := make(map[string]series, len(subjects))
	for round := range rounds {
		for i := range subjects {
			s := subjects[(round+i)%len(subjects)]
			one, err := measure(ctx, s)
			if err != nil {
				return nil, fmt.Errorf("measure %s: %w", s.name, err)
			}
			found[s.name] = append(found[s.name], one)
		}
	}
	return found, nil
}
