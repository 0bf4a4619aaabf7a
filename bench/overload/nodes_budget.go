package main

import (
	"context"
	"net/http"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

const (
	budgetedLines = 100  // connections to each server
	budgetedShare = 0.25 // of the requests, that the budget has room for
)

// spending is a budget, and what the ledger has.
type spending struct {
	Limit  int64 `json:"limit_nano_dollars"`
	Spent  int64 `json:"spent_nano_dollars"`
	Leased int64 `json:"leased_nano_dollars"`
}

// ledger is the sum of all rows.
type ledger struct {
	Rows int
	Cost int64
}

func (c *cluster) ledger(ctx context.Context) (ledger, error) {
	var usage struct {
		Data []struct {
			Attempts int `json:"attempts"`
		}
		Summary struct {
			Cost int64 `json:"cost_nano_dollars"`
		}
	}
	err := c.operate(ctx, http.MethodGet, "/admin/usage", nil, &usage)
	l := ledger{Cost: usage.Summary.Cost}
	for _, one := range usage.Data {
		l.Rows += one.Attempts
	}
	return l, err
}

// settled waits until the ledger has no more to come, and the budget is as it says.
func (c *cluster) settled(ctx context.Context) (l ledger, err error) {
	const times = 120
	for range times {
		before := l
		if l, err = c.ledger(ctx); err != nil {
			return l, err
		}
		waiting := 0.0
		for _, node := range c.nodes {
			metrics, err := program.Scrape(ctx, node.Admin)
			if err != nil {
				return l, err
			}
			waiting += metrics["chatbot_ledger_queue_rows"]
		}
		if waiting == 0 && l == before && l.Rows > 0 {
			return l, nil
		}
		if err := program.Pause(ctx, time.Second); err != nil {
			return l, err
		}
	}
	return l, nil
}

// budget has all servers ask for more than a hard budget has room for, as many
// requests at a time as there are connections.
func (c *cluster) budget(ctx context.Context) error {
	before, err := c.settled(ctx)
	if err != nil {
		return err
	}
	tenant, err := c.tenant(ctx)
	if err != nil {
		return err
	}
	cost := before.Cost / int64(max(before.Rows, 1)) // they are all alike
	limit := before.Cost + int64(float64(c.parallel)*budgetedShare)*cost
	var set struct{ ID string }
	if err := c.operate(ctx, http.MethodPut, "/admin/budgets", map[string]any{"tenant": tenant, "period": "total", "limit_nano_dollars": limit}, &set); err != nil {
		return err
	}
	if err := program.Pause(ctx, settling); err != nil { // it holds on all
		return err
	}
	report.Say("budget: %d requests, %d at a time, and room for %.0f %% of them", c.parallel, nodeCount*budgetedLines, 100*budgetedShare)
	answered, asked, refused := 0, 0, 0
	for asked < c.parallel {
		r, err := c.busy(ctx, budgetedLines, time.Second)
		if err != nil {
			return err
		}
		asked, answered, refused = asked+r.all(), answered+r.of(200), refused+r.of(429)
	}
	after, err := c.settled(ctx)
	if err != nil {
		return err
	}
	var state spending
	if err := c.operate(ctx, http.MethodGet, "/admin/budgets/"+set.ID, nil, &state); err != nil {
		return err
	}
	c.line.Figure("budget_requests", asked)
	c.line.Figure("budget_answered", answered)
	c.line.Figure("budget_status_429", refused)
	c.line.Figure("budget_other_answers", asked-answered-refused)
	c.line.Figure("budget", state)
	c.line.Figure("budget_request_nano_dollars", cost)
	c.line.Target(report.AtMost("budget_overshoot_requests", 1, round3(float64(max(0, state.Spent-limit))/float64(max(cost, 1)))))
	c.line.Target(report.AtLeast("budget_used_percent", 99, round3(100*float64(state.Spent)/float64(limit))))
	c.line.Target(report.Exactly("budget_ledger_rows_less_answered", 0, float64(after.Rows-before.Rows-answered)))
	c.line.Target(report.Exactly("budget_spent_less_rows_nano_dollars", 0, float64(state.Spent-after.Cost)))
	return nil
}

// nodes is the part with three servers.
func (b *bench) nodes(ctx context.Context) error {
	b.stopServer()
	c, err := b.startCluster(ctx)
	defer c.close(ctx)
	if err != nil {
		return err
	}
	if err := c.limits(ctx); err != nil {
		return err
	}
	return c.budget(ctx)
}
