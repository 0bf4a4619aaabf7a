package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/parley/bench/program"
)

const (
	membershipPoll = 50 * time.Millisecond
	askPatience    = time.Second
)

// view is what a node says of the cluster.
type view struct {
	Members []struct {
		ID      string `json:"id"`
		Address string `json:"address"`
		State   string `json:"state"`
		Shards  int    `json:"shards"`
	} `json:"members"`
	Unowned int `json:"unowned"`
	Moving  int `json:"moving"`
}

// settled waits until all nodes that are wanted say the same: that just they are
// members, and that every shard is where it is to be. It returns how long that
// took, and how even the shards are: the most that one has, to the mean.
func (s *site) settled(ctx context.Context, within time.Duration) (took time.Duration, err error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for why := ""; ; {
		if why = s.unsettled(ctx); why == "" {
			return time.Since(began), nil
		}
		if err := program.Pause(ctx, membershipPoll); err != nil {
			return 0, fmt.Errorf("the cluster is not one after %s: %s", within, why)
		}
	}
}

// unsettled says why the cluster is not one; nothing where it is.
func (s *site) unsettled(ctx context.Context) string {
	var wanted []*node
	for _, n := range s.nodes {
		n.mu.Lock()
		if n.wanted {
			wanted = append(wanted, n)
		}
		n.mu.Unlock()
	}
	said := make([]string, len(wanted))
	var asking sync.WaitGroup
	for i, n := range wanted {
		asking.Go(func() { said[i] = s.viewOf(ctx, n, len(wanted)) })
	}
	asking.Wait()
	for i := range said {
		if fault, is := strings.CutPrefix(said[i], "! "); is {
			return wanted[i].name + ": " + fault
		}
		if said[i] != said[0] {
			return fmt.Sprintf("%s says %q, %s %q", wanted[0].name, said[0], wanted[i].name, said[i])
		}
	}
	return ""
}

// viewOf is the members as a node has them, or behind "! " what is wrong with it.
func (s *site) viewOf(ctx context.Context, n *node, want int) string {
	if err := s.ready(ctx, n); err != nil {
		return "! " + err.Error()
	}
	v, err := s.view(ctx, n)
	if err != nil {
		return "! " + err.Error()
	}
	ids := make([]string, 0, len(v.Members))
	for _, m := range v.Members {
		if m.State != "serving" {
			return "! " + m.ID + " is " + m.State
		}
		ids = append(ids, m.ID)
	}
	if len(ids) != want || v.Unowned > 0 || v.Moving > 0 {
		return fmt.Sprintf("! %d members of %d, %d shards are nobody's, %d are on their way", len(ids), want, v.Unowned, v.Moving)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func (s *site) ready(ctx context.Context, n *node) error {
	return s.get(ctx, n.settings.Ready(), "", nil)
}

func (s *site) view(ctx context.Context, n *node) (v view, err error) {
	err = s.get(ctx, "http://"+n.settings.Admin+"/admin/cluster", s.admin, &v)
	return v, err
}

// operators asks nodes, on connections of their own: one may be cut off.
var operators = http.Client{Timeout: askPatience, Transport: &http.Transport{DisableKeepAlives: true}}

func (s *site) get(ctx context.Context, url, key string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	reply, err := operators.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers with %d", url, reply.StatusCode)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(reply.Body).Decode(into)
}

// spread is the most shards that a member has, to the mean.
func (s *site) spread(ctx context.Context) (float64, error) {
	v, err := s.view(ctx, s.nodes[0])
	if err != nil || len(v.Members) == 0 {
		return 0, err
	}
	most, sum := 0, 0
	for _, m := range v.Members {
		most, sum = max(most, m.Shards), sum+m.Shards
	}
	return float64(most*len(v.Members)) / float64(sum), nil
}
