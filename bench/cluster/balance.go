package main

import (
	"context"
	"sync"
	"time"
)

// A load balancer asks every second whether a node is ready, and gives it up when it
// was not twice (deploy/compose/haproxy.cfg).
const (
	checkEvery = time.Second
	checksLost = 2
)

// balancer runs balance. What it returns waits until that has ended.
func (s *site) balancer(ctx context.Context) (wait func()) {
	var running sync.WaitGroup
	running.Go(func() { s.balance(ctx) })
	return running.Wait
}

// balance keeps the nodes' health, until ctx ends.
func (s *site) balance(ctx context.Context) {
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		var checks sync.WaitGroup
		for _, n := range s.nodes[:s.usual] {
			checks.Go(func() {
				if s.ready(ctx, n) == nil {
					n.lost.Store(0)
				} else {
					n.lost.Add(1)
				}
			})
		}
		checks.Wait()
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// balanced is the node at next, or the first behind it that is not given up; the one
// at next where all are.
func (s *site) balanced(next *int) *node {
	for range s.usual {
		if at := s.nodes[*next%s.usual]; at.lost.Load() < checksLost {
			return at
		}
		*next++
	}
	return s.nodes[*next%s.usual]
}
