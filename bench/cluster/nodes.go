package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"example.com/parley/bench/program"
)

// patience bounds every wait for a server. It is long: a machine that builds other
// things at the same time is slow.
const patience = 90 * time.Second

// fleet is the servers. Start and stop them from one goroutine.
type fleet struct {
	folder string
	nodes  []*node
}

// node is one server, through all of its processes.
type node struct {
	*program.Parley

	process *program.Process

	mu    sync.Mutex
	there context.Context // ends when nobody is to ask it any more, nor to wait for it
	leave context.CancelFunc
}

// startFleet starts the servers, one after the other.
func startFleet(ctx context.Context, o *options, file, folder string) (*fleet, error) {
	f := &fleet{folder: folder}
	key := ""
	for i := range o.nodes {
		p, err := program.NewParley(file, filepath.Join(folder, fmt.Sprintf("node-%d", i)))
		if err != nil {
			return f, err
		}
		if key == "" {
			key = p.Key
		}
		p.Key = key // the first server makes it, for all
		between, err := program.FreeAddress()
		if err != nil {
			return f, err
		}
		p.Config = fmt.Sprintf("store: { postgres: { url: %q, connections: 2, max_connections: 16 } }\ncluster: { enabled: true, listen: %q }\n"+
			"providers: { simulated: { first_token: 1ms, token_interval: 1ms } }\n", o.store, between)
		n := &node{Parley: p}
		f.nodes = append(f.nodes, n)
		if err := f.start(ctx, n); err != nil {
			return f, err
		}
	}
	return f, f.awaitSpread(ctx)
}

func (f *fleet) start(ctx context.Context, n *node) error {
	spec, err := n.Spec()
	if err != nil {
		return err
	}
	if n.process, err = program.StartLogged(ctx, spec, f.folder, n.Ready(), patience); err != nil {
		return err
	}
	n.come()
	return nil
}

func (f *fleet) stop() {
	for _, n := range f.nodes {
		if n.process != nil {
			n.process.Kill()
		}
	}
}

// come has others ask it.
func (n *node) come() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.there, n.leave = context.WithCancel(context.Background())
}

// until ends when it is not to be asked any more, which it may have.
func (n *node) until() context.Context {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.there
}

func (n *node) isAway() bool { return n.until().Err() != nil }

// awaitSpread waits until those that are there own everything, evenly.
func (f *fleet) awaitSpread(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	const shards, leeway = 1024, 1.25
	for {
		sum, most, there := 0.0, 0.0, 0.0
		for _, n := range f.nodes {
			if n.isAway() {
				continue
			}
			there++
			metrics, err := program.Scrape(ctx, n.Admin)
			if err != nil {
				continue // asked again
			}
			open, err := metrics.Value("chatbot_cluster_shards_open")
			if err != nil {
				return err
			}
			sum, most = sum+open, max(most, open)
		}
		if sum == shards && most*there <= shards*leeway {
			return nil
		}
		if err := program.Pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("wait until %.0f servers share the shards: %w", there, err)
		}
	}
}
