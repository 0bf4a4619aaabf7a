package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// Requests of the measurement of capacity: stateless ones, which any node answers
// itself.
const (
	capacityFor         = 3 * time.Second
	capacityConnections = 64
	crossTries          = 60 // for each node and conversation
	crossConversations  = 12
)

// capacity measures what 1, 2 and all nodes carry, and what it costs to ask a node
// that does not have the conversation.
func capacity(ctx context.Context, s *site, line *report.Report) error {
	perSecond := make(map[string]float64)
	for _, nodes := range slices.Compact([]int{1, 2, s.usual}) {
		total := 0.0
		results := make(chan float64, nodes)
		for _, n := range s.nodes[:nodes] {
			go func() { // sends once
				results <- throughput(ctx, s, n, capacityConnections/nodes)
			}()
		}
		for range nodes {
			total += <-results
		}
		perSecond[fmt.Sprintf("nodes_%d", nodes)] = total
	}
	line.Figure("requests_per_s", perSecond)
	cost, err := crossNode(ctx, s)
	if err != nil {
		return err
	}
	line.Figure("cross_node", cost)
	line.Target(report.AtMost("cross_node_added_p50_ms", 0.5, cost.Added))
	return nil
}

func throughput(ctx context.Context, s *site, n *node, connections int) float64 {
	body := `{"model":"gpt-fake","store":false,"messages":[{"role":"user","content":"How much does a cluster carry?"}]}`
	request := load.Post(n.settings.Address, "/v1/chat/completions", body, "}", "Authorization: Bearer "+s.key)
	result, err := load.Closed{
		Address: n.settings.Address, Connections: connections, Requests: []load.Request{request}, Warmup: time.Second, Duration: capacityFor,
	}.Run(ctx)
	if err != nil {
		report.Say("%s: %v", n.name, err)
		return 0
	}
	return float64(result.Requests-result.Failed) / result.Elapsed.Seconds()
}

// crossCost is what a turn takes at the node that has its conversation, and at others.
type crossCost struct {
	Owner  float64 `json:"owner_p50_ms"`
	Others float64 `json:"others_p50_ms"`
	Added  float64 `json:"added_p50_ms"`
}

// crossNode writes to conversations through each node in turn. Which of them has one
// its metrics tell: it has carried out what came by way of the others. The fastest of
// three would often be another, by chance.
func crossNode(ctx context.Context, s *site) (crossCost, error) {
	asked := newClient(s, 0, func(string) {})
	var owner, others []time.Duration
	for range crossConversations {
		id, err := asked.create(ctx)
		if err != nil {
			return crossCost{}, err
		}
		took := make([][]time.Duration, s.usual)
		before, err := servedForOthers(ctx, s)
		if err != nil {
			return crossCost{}, err
		}
		for try := range crossTries {
			for i, n := range s.nodes[:s.usual] {
				body := fmt.Appendf(nil, `{"model":"gpt-fake","conversation":%q,"input":"token %d"}`, id, try)
				began := time.Now()
				a, err := asked.ask(ctx, n, http.MethodPost, "/v1/responses", "", body)
				if kind := a.kind(err); kind != "" {
					return crossCost{}, fmt.Errorf("ask %s: %s", n.name, kind)
				}
				took[i] = append(took[i], time.Since(began))
			}
		}
		after, err := servedForOthers(ctx, s)
		if err != nil {
			return crossCost{}, err
		}
		for i := range took {
			if after[i]-before[i] >= crossTries {
				owner = append(owner, quantile(took[i], 0.5))
			} else {
				others = append(others, quantile(took[i], 0.5))
			}
		}
	}
	if len(owner) != crossConversations {
		return crossCost{}, fmt.Errorf("%d of %d conversations had one owner all along", len(owner), crossConversations)
	}
	cost := crossCost{Owner: ms(quantile(owner, 0.5)), Others: ms(quantile(others, 0.5))}
	cost.Added = cost.Others - cost.Owner
	return cost, nil
}

// servedForOthers is how many requests each node has carried out for others.
func servedForOthers(ctx context.Context, s *site) ([]float64, error) {
	served := make([]float64, s.usual)
	for i, n := range s.nodes[:s.usual] {
		metrics, err := program.Scrape(ctx, n.settings.Admin)
		if err != nil {
			return nil, err
		}
		if served[i], err = metrics.Value("chatbot_cluster_served_total"); err != nil {
			return nil, err
		}
	}
	return served, nil
}
