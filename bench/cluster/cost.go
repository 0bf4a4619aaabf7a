package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"example.com/parley/bench/program"
)

// way is what requests took, in milliseconds, by the server that has their
// conversation and by others.
type way struct{ own, other []float64 }

// ways asks in a few conversations by way of each server in turn. Which has the
// conversation is told by whether it sends the request on.
func ways(ctx context.Context, f *fleet, asked int) (w way, err error) {
	c := newClient()
	defer c.close()
	for i := 0; min(len(w.own), len(w.other)) < asked; i++ {
		conversation, err := c.converse(ctx, f.nodes[0])
		if err != nil {
			return w, err
		}
		for _, n := range f.nodes {
			into, err := w.of(ctx, n, func() error { return c.ask(ctx, n, conversation, "which way") })
			if err != nil {
				return w, err
			}
			for range 10 {
				begun := time.Now()
				if err := c.ask(ctx, n, conversation, "how long"); err != nil {
					return w, err
				}
				*into = append(*into, float64(time.Since(begun))/float64(time.Millisecond))
			}
		}
	}
	return w, nil
}

// of tells which of the two a server is.
func (w *way) of(ctx context.Context, n *node, ask func() error) (*[]float64, error) {
	before, err := carried(ctx, n)
	if err == nil {
		err = ask()
	}
	if err != nil {
		return nil, err
	}
	after, err := carried(ctx, n)
	if after > before {
		return &w.other, err
	}
	return &w.own, err
}

func carried(ctx context.Context, n *node) (float64, error) {
	metrics, err := program.Scrape(ctx, n.Admin)
	if err != nil {
		return 0, err
	}
	return metrics.Value("chatbot_cluster_carried_total")
}

func (c *client) ask(ctx context.Context, n *node, conversation, text string) error {
	status, answer, err := c.say(ctx, n, conversation, text)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, answer)
	}
	return err
}

// quantile is that of figures, which it sorts.
func quantile(figures []float64, q float64) float64 {
	if len(figures) == 0 {
		return 0
	}
	slices.Sort(figures)
	return figures[min(len(figures)-1, int(q*float64(len(figures))))]
}
