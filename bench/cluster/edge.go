package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// edgePart is the part of -only that has an edge node, and cuts it off. The nodes speak
// TLS and cache then, which they do not otherwise: it runs where it is named alone.
const edgePart = "edge_cut_off"

const (
	edgeHost    = "edge"
	edgePort    = ":7950"
	edgeTries   = 300                    // of each kind of request, by turns
	hitEvery    = 50 * time.Millisecond  // while the edge node is cut off
	missEvery   = 500 * time.Millisecond // likewise
	edgeAlone   = 10 * time.Second       // that it tolerates beyond the cut
	billedAfter = 20 * time.Second       // within which rows are at the core, once it is back
)

// makeCertificates makes an authority for nodes and an edge node.
func (s *site) makeCertificates(ctx context.Context, nodes int) error {
	s.certificates = filepath.Join(s.folder, "certificates")
	command := exec.CommandContext(ctx, s.binary, "cluster", "certs", s.certificates, "--nodes", fmt.Sprint(nodes), "--edges", "1") // #nosec G204 -- it was just built
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("make certificates: %w: %s", err, out)
	}
	return nil
}

// identity is the environment of whom the authority vouches for by a name, with a
// cache.
func (s *site) identity(name string) []string {
	return []string{
		"PARLEY_CACHE_ENABLED=true", "PARLEY_CLUSTER_TLS_CA=" + filepath.Join(s.certificates, "ca.pem"),
		"PARLEY_CLUSTER_TLS_CERT=" + filepath.Join(s.certificates, name+".pem"), "PARLEY_CLUSTER_TLS_KEY=" + filepath.Join(s.certificates, name+".key"),
	}
}

// edgeRig is an edge node, and one client that asks it and the core.
type edgeRig struct {
	site   *site
	edge   *program.Parley
	client *http.Client
	hits   int // replies from a cache, of which each is to be billed once
	asked  int
}

// startEdge starts an edge node that goes on for as long by itself.
func startEdge(ctx context.Context, s *site, alone time.Duration) (*edgeRig, *program.Process, error) {
	h := s.network.hosts[edgeHost]
	settings, err := program.NewParley(s.binary, filepath.Join(s.folder, edgeHost))
	if err != nil {
		return nil, nil, err
	}
	cores := make([]string, s.usual)
	for i, n := range s.nodes[:s.usual] {
		cores[i] = n.host.address + edgePort
	}
	settings.Key, settings.Config, settings.Through = s.key, nodeConfig, h.through
	settings.Address, settings.Admin = h.address+":8080", h.address+":8081"
	settings.Env = append(s.identity("edge-1"),
		"PARLEY_ADMIN_OPEN_METRICS=true", "PARLEY_EDGE_ENABLED=true", "PARLEY_EDGE_NAME=bench", "PARLEY_EDGE_CORES="+strings.Join(cores, ","), "PARLEY_EDGE_TOLERATES="+alone.String())
	process, err := settings.Start(ctx, s.folder, readyWithin)
	if err != nil {
		return nil, nil, err
	}
	return &edgeRig{site: s, edge: settings, client: &http.Client{Timeout: requestPatience, Transport: &http.Transport{MaxIdleConnsPerHost: 2}}}, process, nil
}

// ask asks a question at an address, and says how the cache answered it; behind "! "
// what was wrong.
func (r *edgeRig) ask(ctx context.Context, address, text string) (tier string, took time.Duration) {
	body, _ := json.Marshal(map[string]any{"model": "gpt-fake", "messages": []map[string]string{{"role": "user", "content": text}}}) // of texts alone
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return "! " + err.Error(), 0
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+r.site.key)
	r.asked++
	began := time.Now()
	reply, err := r.client.Do(request)
	if err != nil {
		return "! " + (&answer{}).kind(err), time.Since(began)
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	a := answer{status: reply.StatusCode}
	a.body, err = io.ReadAll(reply.Body)
	took = time.Since(began)
	if kind := a.kind(err); kind != "" {
		return "! " + kind, took
	}
	switch tier = reply.Header.Get("x-parley-cache"); tier {
	case "exact", "lexical", "semantic":
		r.hits++
	}
	return tier, took
}

// unasked is a question that nobody has asked before.
func unasked() string { return "What does the word " + rand.Text() + " mean?" }

// edgeLatency is what requests take, in milliseconds, asked by turns.
type edgeLatency struct {
	CoreMiss    float64 `json:"core_miss_p50_ms"`
	EdgeMiss    float64 `json:"edge_miss_p50_ms"`
	MissRatio   float64 `json:"edge_to_core_miss"`
	CoreHit     float64 `json:"core_hit_p50_ms"`
	EdgeHit     float64 `json:"edge_hit_p50_ms"`
	HitRatio    float64 `json:"edge_to_core_hit"`
	AddedToMiss float64 `json:"added_to_a_forwarded_p50_ms"`
}

// latency compares an edge node with the server of the core that it follows.
func (r *edgeRig) latency(ctx context.Context) (l edgeLatency, err error) {
	cached, core, edge := unasked(), r.site.nodes[0].settings.Address, r.edge.Address
	if err := r.until(ctx, "the edge node to have a reply", func() bool {
		_, _ = r.ask(ctx, core, cached)
		tier, _ := r.ask(ctx, edge, cached)
		return tier == "exact" && r.isLocal(ctx, cached)
	}); err != nil {
		return l, err
	}
	var took [4][]time.Duration
	for range edgeTries {
		for i, one := range []struct{ address, text, tier string }{{core, unasked(), "miss"}, {edge, unasked(), "miss"}, {core, cached, "exact"}, {edge, cached, "exact"}} {
			tier, time := r.ask(ctx, one.address, one.text)
			if tier != one.tier {
				return l, fmt.Errorf("a question got %q at %s, want %q", tier, one.address, one.tier)
			}
			took[i] = append(took[i], time)
		}
	}
	median := func(i int) float64 { return ms(quantile(took[i], 0.5)) }
	l = edgeLatency{CoreMiss: median(0), EdgeMiss: median(1), CoreHit: median(2), EdgeHit: median(3)}
	l.MissRatio, l.HitRatio, l.AddedToMiss = l.EdgeMiss/l.CoreMiss, l.EdgeHit/l.CoreHit, l.EdgeMiss-l.CoreMiss
	return l, nil
}

// isLocal tells whether the edge node itself has the reply: none is forwarded for it.
func (r *edgeRig) isLocal(ctx context.Context, text string) bool {
	before := r.metric(ctx, "chatbot_edge_forwarded_total")
	tier, _ := r.ask(ctx, r.edge.Address, text)
	return tier == "exact" && before != "" && r.metric(ctx, "chatbot_edge_forwarded_total") == before
}

// metric is one of the edge node's, without labels.
func (r *edgeRig) metric(ctx context.Context, name string) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.edge.Address+"/metrics", http.NoBody)
	if err != nil {
		return ""
	}
	request.URL.Host = r.edge.Admin
	reply, err := r.client.Do(request)
	if err != nil {
		return ""
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	text, _ := io.ReadAll(reply.Body)
	for line := range strings.Lines(string(text)) {
		if value, is := strings.CutPrefix(line, name+" "); is {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (r *edgeRig) until(ctx context.Context, what string, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, billedAfter)
	defer cancel()
	for !is() {
		if err := program.Pause(ctx, retryPause); err != nil {
			return fmt.Errorf("waited in vain for %s: %w", what, err)
		}
	}
	return nil
}

// edgeOutage is what clients of an edge node are told while it is cut off.
type edgeOutage struct {
	Cut       float64        `json:"cut_off_s"`
	Answered  int            `json:"cached_answers"`
	Refused   map[string]int `json:"cached_answers_refused,omitempty"`
	Told      map[string]int `json:"others_were_told"`
	HitWorst  float64        `json:"cached_worst_ms"`
	BackAfter float64        `json:"forwarded_again_after_ms"`
	Hits      int            `json:"hits"`
	Billed    int            `json:"hits_billed"`
}

// outage cuts the edge node off while it is asked.
func (r *edgeRig) outage(ctx context.Context, length time.Duration) (o edgeOutage, err error) {
	o = edgeOutage{Cut: length.Seconds(), Refused: make(map[string]int), Told: make(map[string]int)}
	cached := unasked()
	if err := r.until(ctx, "a reply at the edge node", func() bool { return r.isLocal(ctx, cached) }); err != nil {
		return o, err
	}
	nodes := make([]*host, 0, len(r.site.nodes))
	for _, n := range r.site.nodes {
		nodes = append(nodes, n.host)
	}
	if err := r.site.network.part(ctx, []*host{r.site.network.hosts[edgeHost]}, nodes); err != nil {
		return o, err
	}
	r.askWhileCut(ctx, &o, cached, time.Now().Add(length))
	if err := r.site.network.heal(ctx); err != nil {
		return o, err
	}
	healed := time.Now()
	if err := r.until(ctx, "requests to be forwarded again", func() bool { tier, _ := r.ask(ctx, r.edge.Address, unasked()); return tier == "miss" }); err != nil {
		return o, err
	}
	o.BackAfter = ms(time.Since(healed))
	o.Hits = r.hits
	err = r.until(ctx, "all hits to be billed", func() bool { o.Billed = r.billed(ctx); return o.Billed >= o.Hits })
	return o, errors.Join(err, program.Pause(ctx, time.Second), r.recount(ctx, &o))
}

// askWhileCut asks for what is cached, and now and then for something else.
func (r *edgeRig) askWhileCut(ctx context.Context, o *edgeOutage, cached string, until time.Time) {
	next := time.Now()
	for time.Now().Before(until) && ctx.Err() == nil {
		tier, took := r.ask(ctx, r.edge.Address, cached)
		if tier == "exact" {
			o.Answered++
			o.HitWorst = max(o.HitWorst, ms(took))
		} else {
			o.Refused[tier]++
		}
		if time.Now().After(next) {
			tier, _ = r.ask(ctx, r.edge.Address, unasked())
			o.Told[strings.TrimPrefix(tier, "! ")]++
			next = next.Add(missEvery)
		}
		_ = program.Pause(ctx, hitEvery) // the loop sees that ctx has ended
	}
}

// recount counts once more: a row that came twice would be seen by then.
func (r *edgeRig) recount(ctx context.Context, o *edgeOutage) error {
	o.Billed = r.billed(ctx)
	return ctx.Err()
}

// billed is how many replies from a cache the core has rows of.
func (r *edgeRig) billed(ctx context.Context) (rows int) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.site.nodes[0].settings.Admin+"/admin/usage", http.NoBody)
	if err != nil {
		return 0
	}
	request.Header.Set("Authorization", "Bearer "+r.site.admin)
	reply, err := r.client.Do(request)
	if err != nil {
		return 0
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	var usage struct {
		Data []struct {
			Provider string `json:"provider"`
			Attempts int    `json:"attempts"`
		} `json:"data"`
	}
	if err := json.NewDecoder(reply.Body).Decode(&usage); err != nil {
		return 0
	}
	for _, line := range usage.Data {
		if line.Provider == "cache" {
			rows += line.Attempts
		}
	}
	return rows
}

// edgeCutOff measures what an edge node costs, cuts it off, and holds it to what it
// billed.
func edgeCutOff(ctx context.Context, s *site, length time.Duration, line *report.Report) error {
	r, process, err := startEdge(ctx, s, length+edgeAlone)
	if err != nil {
		return err
	}
	defer process.Kill()
	latency, err := r.latency(ctx)
	if err != nil {
		return fmt.Errorf("%w: %s", err, program.Tail(program.LogOf(s.folder, s.binary)))
	}
	line.Figure("edge_latency", latency)
	if !s.network.canCut() {
		report.Say("there are no network namespaces, so the edge node is not cut off")
		return nil
	}
	o, err := r.outage(ctx, length)
	if err != nil {
		return err
	}
	refused := 0
	for _, n := range o.Refused {
		refused += n
	}
	line.Figure("edge_cut_off", o)
	line.Target(report.Exactly("edge_cached_answers_refused", 0, float64(refused)))
	line.Target(report.Exactly("edge_hits_not_billed_once", 0, float64(o.Hits-o.Billed)))
	line.Target(report.AtMost("edge_forwarded_again_ms", 5000, o.BackAfter))
	return nil
}
