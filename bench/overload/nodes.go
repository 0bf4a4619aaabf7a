package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/program"
)

const nodeCount = 3

// cluster is servers with one Redis and one database.
type cluster struct {
	*bench
	redis    *redisServer
	database *database
	nodes    []*program.Parley
	running  []*program.Process
}

// startCluster starts what there is to be, the servers last and one by one: the first
// of them makes the tenant.
// What was started is to be closed also after an error.
func (b *bench) startCluster(ctx context.Context) (c *cluster, err error) {
	c = &cluster{bench: b}
	if c.database, err = newDatabase(ctx, b.postgres); err != nil {
		return c, err
	}
	if c.redis, err = startRedis(ctx, b.folder); err != nil {
		return c, err
	}
	for range nodeCount {
		node, err := program.NewParley(b.settings.File, "")
		if err != nil {
			return c, err
		}
		if len(c.nodes) > 0 {
			node.Key = c.nodes[0].Key // of the tenant that is there
		}
		node.Env = append([]string{"PARLEY_STORE_POSTGRES_URL=" + c.database.url, "PARLEY_REDIS_URL=redis://" + c.redis.address + "/0"}, b.settings.Env...)
		node.Config = "prices: {\"*\": {input: 1000000, output: 1000000}}\nlimits: {nodes: 3}\nadmission: {max_waiting: 4096}\n"
		process, err := node.StartFresh(ctx, b.folder, readyWithin)
		if err != nil {
			return c, err
		}
		c.nodes, c.running = append(c.nodes, node), append(c.running, process)
	}
	return c, nil
}

func (c *cluster) close(ctx context.Context) {
	for _, p := range c.running {
		p.Kill()
	}
	if c.redis != nil {
		c.redis.stop()
	}
	if c.database != nil {
		c.database.drop(ctx)
	}
}

// operate asks the operators' listener of the first server, which has the key to it.
func (c *cluster) operate(ctx context.Context, method, path string, body, into any) error {
	first := rig{settings: c.nodes[0]}
	return first.operate(ctx, method, path, body, into)
}

// tenant is the first one's id.
func (c *cluster) tenant(ctx context.Context) (string, error) {
	var list struct{ Data []struct{ ID string } }
	if err := c.operate(ctx, "GET", "/admin/tenants", nil, &list); err != nil {
		return "", err
	}
	if len(list.Data) == 0 {
		return "", fmt.Errorf("there is no tenant")
	}
	return list.Data[0].ID, nil
}

// requests are all alike: a reply costs the same each time. The upstream says the same
// of each, too, so that they have to be as long as it says.
func (c *cluster) requests(node *program.Parley) []load.Request {
	body := `{"model":"gpt-fake","max_tokens":64,"messages":[{"role":"user","content":"` + strings.Repeat("Why does it do that? ", promptSize/21) + `"}]}`
	return []load.Request{load.Post(node.Address, "/v1/chat/completions", body, "}", "Authorization: Bearer "+node.Key)}
}

// counted is what became of requests to each server.
type counted struct {
	statuses [nodeCount]map[int]int
	took     time.Duration
}

func (r *counted) of(status int) (n int) {
	for _, s := range r.statuses {
		n += s[status]
	}
	return n
}

func (r *counted) all() (n int) {
	for _, s := range r.statuses {
		for _, m := range s {
			n += m
		}
	}
	return n
}

// steady offers so many requests a second to each server.
func (c *cluster) steady(ctx context.Context, rate int, d time.Duration) (counted, error) {
	return c.each(func(node *program.Parley) (load.Result, error) {
		const connections = 64
		return load.Open{Address: node.Address, Connections: connections, Rate: rate, Requests: c.requests(node), Duration: d}.Run(ctx)
	})
}

// busy keeps connections to each server busy.
func (c *cluster) busy(ctx context.Context, connections int, d time.Duration) (counted, error) {
	return c.each(func(node *program.Parley) (load.Result, error) {
		return load.Closed{Address: node.Address, Connections: connections, Requests: c.requests(node), Duration: d}.Run(ctx)
	})
}

func (c *cluster) each(f func(*program.Parley) (load.Result, error)) (r counted, err error) {
	var errs [nodeCount]error
	var running sync.WaitGroup
	began := time.Now()
	for i, node := range c.nodes {
		running.Go(func() {
			result, err := f(node)
			r.statuses[i], errs[i] = result.Statuses, err
		})
	}
	running.Wait()
	r.took = time.Since(began)
	for _, err := range errs {
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// sharing waits until every server knows of all others.
func (c *cluster) sharing(ctx context.Context) error {
	const patience = 200
	for range patience {
		known := 0
		for _, node := range c.nodes {
			metrics, err := program.Scrape(ctx, node.Admin)
			if err != nil {
				return err
			}
			if metrics["chatbot_limit_nodes"] == nodeCount && metrics["chatbot_limit_alone"] == 0 {
				known++
			}
		}
		if known == nodeCount {
			return nil
		}
		if err := program.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("the servers do not find each other: %s", program.Tail(program.LogOf(c.folder, c.nodes[0].File)))
}

// redisServer is a Redis of the benchmark's own, which keeps nothing.
type redisServer struct {
	address, folder string
	process         *program.Process
}

func startRedis(ctx context.Context, folder string) (*redisServer, error) {
	address, err := program.FreeAddress()
	if err != nil {
		return nil, err
	}
	s := &redisServer{address: address, folder: folder}
	return s, s.start(ctx)
}

func (s *redisServer) start(ctx context.Context) (err error) {
	log, err := os.OpenFile(filepath.Join(s.folder, "redis.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the program has its own
	host, port := split(s.address)
	s.process, err = program.Start(program.Spec{
		Path: "redis-server", Args: []string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", s.folder}, Output: log,
	})
	if err != nil {
		return err
	}
	return awaitListener(ctx, s.address)
}

func (s *redisServer) stop() {
	if s.process != nil {
		s.process.Kill()
		s.process = nil
	}
}
