package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"

	"example.com/parley/actors/cache"
	"example.com/parley/cluster"
	"example.com/parley/cluster/edge"
	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// nearby is the edge nodes of a server of the core: none, where it listens for none.
type nearby struct {
	feed *edge.Feed
	gate *edge.Gate
	hub  *edge.Hub
}

// openNearby listens for edge nodes, where there are to be any.
func openNearby(ctx context.Context, cfg *Config) (n nearby, err error) {
	if cfg.Edge.Listen == "" {
		return nearby{}, nil
	}
	_, server, err := certificates(cfg)
	if err != nil {
		return nearby{}, err
	}
	listener, err := listenOn(ctx, cfg.Edge.Listen, "edge.listen", "PARLEY_EDGE_LISTEN")
	if err != nil {
		return nearby{}, err
	}
	return nearby{feed: edge.NewFeed(cfg.Redis.URL != ""), gate: edge.NewGate(listener, server)}, nil
}

// certificates are how core and edge nodes know each other.
func certificates(cfg *Config) (client, server *tls.Config, err error) {
	if client, server, err = cluster.Mutual(cfg.Cluster.TLS); err != nil {
		return nil, nil, &messages.Failure{
			Code: messages.CodeInvalidRequest, What: "the certificates of edge nodes cannot be used", Do: "look at the files of cluster.tls", Cause: err,
		}
	}
	return client, server, nil
}

// follow is told what becomes of the cache; nil for nobody.
func (n nearby) follow() cache.Feed {
	if n.feed == nil {
		return nil
	}
	return n.feed
}

// attach says what edge nodes learn from.
func (n *nearby) attach(k kept, m models, c cached, leaving func() bool, log *slog.Logger) {
	if n.feed == nil {
		return
	}
	n.hub = edge.NewHub(edge.HubDeps{
		Store: k.store, Usage: k.rows.AppendUsage, Record: c.cache.Record, Marks: m.router.Marks, Leaving: leaving, MostDenied: cache.MostDenied, Feed: n.feed, Log: log,
	})
}

// list is those that were heard lately.
func (n nearby) list() []messages.EdgeNode {
	if n.hub == nil {
		return nil
	}
	return n.hub.Edges()
}

// parts are what serves edge nodes.
func (n nearby) parts(clients *parleyhttp.Server) []part {
	if n.hub == nil {
		return nil
	}
	return []part{
		{name: "edge nodes", run: func(ctx context.Context) error { return n.hub.Run(ctx, n.gate.Control()) }},
		{name: "the requests of edge nodes", run: func(ctx context.Context) error { return clients.ServeEdges(ctx, n.gate.Carried()) }},
		{name: "the gate of edge nodes", run: n.gate.Run},
	}
}

func (n nearby) close() {
	if n.gate != nil {
		n.gate.Close()
	}
}

// apart is a fault of the configuration: an edge node is no member of a cluster.
func apart(c *Config) error {
	if c.Edge.Enabled && c.Cluster.Enabled {
		return fmt.Errorf("edge.enabled and cluster.enabled are both set: an edge node is no member of the cluster, so take one of them out")
	}
	return nil
}
