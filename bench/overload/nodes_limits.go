package main

import (
	"context"
	"net/http"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// What three servers are held to.
const (
	nodesLimit    = 12_000 // requests a minute of the tenant
	nodesOffered  = 200    // a second to each server: three times the limit in all
	mostOvershoot = 1.0    // percent
	settling      = 2 * time.Second
)

// shared is what passed while the servers share a limit.
type shared struct {
	Passed    int       `json:"passed"`
	Refused   int       `json:"status_429"`
	Other     int       `json:"other"`
	Seconds   float64   `json:"seconds"`
	Overshoot float64   `json:"overshoot_percent"` // of the limit; below 0 where less passed
	Nodes     []float64 `json:"percent_of_limit_by_node"`
}

func sharedOf(r *counted) shared {
	limit := float64(nodesLimit) * r.took.Minutes()
	s := shared{
		Passed: r.of(200), Refused: r.of(429), Seconds: round3(r.took.Seconds()), Overshoot: round3(100 * (float64(r.of(200))/limit - 1)),
	}
	s.Other = r.all() - s.Passed - s.Refused
	for _, statuses := range r.statuses {
		s.Nodes = append(s.Nodes, round3(100*float64(statuses[200])/limit))
	}
	return s
}

// limits finds out how much passes through three servers that share a limit, while
// there is a Redis, while there is none, and when it is back.
func (c *cluster) limits(ctx context.Context) error {
	tenant, err := c.tenant(ctx)
	if err != nil {
		return err
	}
	path := "/admin/tenants/" + tenant + "/limits"
	if err := c.operate(ctx, http.MethodPut, path, map[string]int{"requests_per_minute": nodesLimit}, nil); err != nil {
		return err
	}
	if err := c.sharing(ctx); err != nil {
		return err
	}
	if err := program.Pause(ctx, settling); err != nil { // the limit is everywhere
		return err
	}
	w := watch{cluster: c, began: time.Now()}
	if err := w.drain(ctx); err != nil {
		return err
	}
	report.Say("limits: three servers, three times the limit")
	if err := w.phase(ctx, "limits_together", 4*c.duration); err != nil {
		return err
	}
	report.Say("limits: Redis is stopped")
	c.redis.stop()
	if err := w.steady(ctx, settling); err != nil {
		return err
	}
	if err := w.phase(ctx, "limits_without_redis", 2*c.duration); err != nil {
		return err
	}
	report.Say("limits: Redis is back, and has forgotten everything")
	if err := c.redis.start(ctx); err != nil {
		return err
	}
	if err := w.steady(ctx, settling); err != nil {
		return err
	}
	if err := w.phase(ctx, "limits_together_again", 4*c.duration); err != nil {
		return err
	}
	most := nodesLimit * (1 + time.Since(w.began).Minutes()) // a full bucket, and what filled
	c.line.Figure("limits_passed_in_all", w.passed)
	c.line.Target(report.AtMost("limits_in_all_overshoot_percent", mostOvershoot, round3(100*(float64(w.passed)/most-1))))
	return c.operate(ctx, http.MethodDelete, path, nil, nil)
}

// watch adds up what passes.
type watch struct {
	*cluster
	began  time.Time
	passed int
}

// drain asks until the minute's worth is gone that there is at first.
func (w *watch) drain(ctx context.Context) error {
	const most = 60
	for range most {
		r, err := w.busy(ctx, 16, time.Second)
		if err != nil {
			return err
		}
		w.passed += r.of(200)
		if r.of(200) < nodesLimit/60*3/2 {
			return nil
		}
	}
	return nil
}

func (w *watch) steady(ctx context.Context, d time.Duration) error {
	r, err := w.cluster.steady(ctx, nodesOffered, d)
	w.passed += r.of(200)
	return err
}

// phase measures one, and holds it to the bound.
func (w *watch) phase(ctx context.Context, name string, d time.Duration) error {
	r, err := w.cluster.steady(ctx, nodesOffered, d)
	if err != nil {
		return err
	}
	w.passed += r.of(200)
	s := sharedOf(&r)
	w.line.Figure(name, s)
	w.line.Target(report.AtMost(named(name, "overshoot_percent"), mostOvershoot, s.Overshoot))
	w.line.Target(report.AtLeast(named(name, "percent_of_limit"), 95, round3(100+s.Overshoot)))
	w.line.Target(report.Exactly(named(name, "other_answers"), 0, float64(s.Other)))
	return nil
}
