package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/messages"
)

// site is all programs of a run, and where they are.
type site struct {
	network      *network
	folder       string
	binary       string
	certificates string // folder of those of nodes and edge nodes; empty where they speak plainly
	key          string // of the first tenant
	admin        string // an admin key
	postgres     *program.Postgres
	east         *program.Postgres       // a second database; nil where there is none
	inEast       map[messages.Shard]bool // which the shards' conversations are in that have moved
	redis        *program.Redis
	upstream     *program.Process
	nodes        []*node // those of the beginning come first
	usual        int     // how many run when nothing is wrong
}

// drainFor is how long a node waits for streams when it is stopped. They last for
// less than a second here.
const drainFor = 10 * time.Second

// nodeConfig lets nothing but the cluster decide what is answered: clients of one
// address and one tenant ask as fast as they can.
const nodeConfig = `
http:
  drain_timeout: 10s
admission:
  adaptive: false
`

// newSite builds and starts everything but the nodes.
func newSite(ctx context.Context, folder string, n *network, o *options) (s *site, err error) {
	built, err := program.Build(ctx, folder, "cmd/parley", "bench/upstream")
	if err != nil {
		return nil, err
	}
	store := n.hosts[storeHost]
	s = &site{network: n, folder: folder, binary: built[0], usual: o.nodes}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.postgres, err = program.NewPostgres(ctx, folder, store.address+":5432", store.through...); err != nil {
		return nil, err
	}
	if s.redis, err = program.NewRedis(folder, store.address+":6379", store.through...); err != nil {
		return nil, err
	}
	if err := errors.Join(s.postgres.Start(ctx), s.redis.Start(ctx)); err != nil {
		return nil, err
	}
	if o.isNamed(movePart) {
		if err := s.startEast(ctx); err != nil {
			return nil, err
		}
	}
	upstream := store.address + ":9090"
	s.upstream, err = program.StartLogged(ctx, program.Spec{Path: built[1], Args: []string{"-canned", "-listen", upstream}, Through: store.through},
		folder, "http://"+upstream+"/healthz", readyWithin)
	if err != nil {
		return nil, err
	}
	if o.hasEdge() {
		if err := s.makeCertificates(ctx, o.most()); err != nil {
			return nil, err
		}
	}
	for i := range o.most() {
		one, err := s.newNode(n.hosts[nodeHost(i)], upstream)
		if err != nil {
			return nil, err
		}
		s.nodes = append(s.nodes, one)
	}
	return s, nil
}

func (s *site) newNode(h *host, upstream string) (*node, error) {
	folder := filepath.Join(s.folder, h.name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make a node's folder: %w", err)
	}
	settings, err := program.NewParley(s.binary, filepath.Join(folder, "data"))
	if err != nil {
		return nil, err
	}
	if s.key == "" {
		s.key = settings.Key
	}
	settings.Key, settings.Config, settings.Through = s.key, nodeConfig, h.through
	settings.Address, settings.Admin = h.address+":8080", h.address+":8081"
	settings.Env = []string{
		"PARLEY_ADMIN_OPEN_METRICS=true", // which this program reads from a network of its own
		"OPENAI_BASE_URL=http://" + upstream + "/v1", "OPENAI_API_KEY=canned",
		"PARLEY_STORE_POSTGRES_URL=" + s.postgres.URL, "PARLEY_REDIS_URL=" + s.redis.URL,
		"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=10ms", "PARLEY_CLUSTER_ENABLED=true", "PARLEY_CLUSTER_LISTEN=" + h.address + ":7946",
	}
	if s.east != nil {
		settings.Env = append(settings.Env, eastVariable+s.east.URL)
	}
	if s.certificates != "" {
		settings.Env = append(settings.Env, append(s.identity(h.name), "PARLEY_EDGE_LISTEN="+h.address+edgePort)...)
	}
	return &node{name: h.name, host: h, settings: settings, folder: s.folder, wake: make(chan struct{}, 1)}, nil
}

// begin starts the nodes, the first one first: it makes the schema and the keys.
func (s *site) begin(ctx context.Context) error {
	for i, n := range s.nodes {
		n.watch(ctx)
		if i < s.usual {
			n.want(true)
		}
		if i == 0 {
			if err := s.firstKey(ctx, n); err != nil {
				return err
			}
		}
	}
	_, err := s.settled(ctx, readyWithin)
	return err
}

func (s *site) firstKey(ctx context.Context, n *node) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		if key, err := n.adminKey(); err == nil {
			s.admin = strings.TrimSpace(key)
			return nil
		}
		if err := program.Pause(ctx, membershipPoll); err != nil {
			return fmt.Errorf("the first node has made no admin key: %w: %s", err, program.Tail(program.LogOf(n.folder, s.binary)))
		}
	}
}

// up are the nodes that run.
func (s *site) up() (up []*node) {
	for _, n := range s.nodes {
		if n.isUp() {
			up = append(up, n)
		}
	}
	return up
}

func (s *site) close() {
	for _, n := range s.nodes {
		n.want(false)
		n.kill(0)
	}
	if s.upstream != nil {
		s.upstream.Kill()
	}
	if s.redis != nil {
		s.redis.Kill()
	}
	for _, database := range []*program.Postgres{s.postgres, s.east} {
		if database != nil {
			database.Kill()
		}
	}
}
