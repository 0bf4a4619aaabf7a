package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors"
	"example.com/parley/cluster"
	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// membership is this server's place among others on the same store: none, where it
// is alone.
type membership struct{ *cluster.Cluster }

// joinable is a fault of the configuration: nodes meet in PostgreSQL.
func joinable(c cluster.Config, s StoreConfig) error {
	if c.Enabled && !s.usesPostgres() {
		return errors.New("cluster.enabled is set and store.postgres.url is not: nodes of a cluster share a PostgreSQL, so give its URL")
	}
	return nil
}

// memberID names this process to the others; empty where it is alone.
func memberID(c cluster.Config) messages.MemberID {
	if !c.Enabled {
		return ""
	}
	return cluster.NewMemberID()
}

// openMembership listens for other nodes, where there are to be any.
func openMembership(cfg *Config, k kept, metrics prometheus.Registerer, log *slog.Logger) (membership, error) {
	if !cfg.Cluster.Enabled {
		return membership{}, nil
	}
	if k.registry.Registry == nil {
		return membership{}, joinable(cfg.Cluster, StoreConfig{})
	}
	nodes, err := cluster.Open(cfg.Cluster, cluster.Deps{
		Self: k.member, Version: builtFrom().String(), Registry: k.registry.Registry, Registerer: metrics, Log: log,
	})
	if err != nil {
		return membership{}, &messages.Failure{
			Code: messages.CodeInvalidRequest, What: fmt.Sprintf("other nodes cannot be listened for on %s", cfg.Cluster.Listen),
			Do: "choose another address with cluster.listen or --cluster-listen, and look at the files of cluster.tls", Cause: err,
		}
	}
	return membership{nodes}, nil
}

// notInACluster refuses to begin alone on a database where others work: it would take
// their turns for its own, from a process that is gone.
func notInACluster(ctx context.Context, r registry) error {
	if r.Registry == nil {
		return nil
	}
	members, _, err := r.Topology(ctx)
	if err != nil {
		return err
	}
	for i := range members {
		if members[i].Lease > 0 {
			return &messages.Failure{
				Code: messages.CodeInvalidRequest, What: "a cluster of servers works on this database, one of them at " + members[i].Address,
				Do: "start this one with --cluster, too, or stop those first",
			}
		}
	}
	return nil
}

// elsewhere is where the actors find what is not theirs.
func (m membership) elsewhere() actors.Elsewhere {
	if m.Cluster == nil {
		return nil
	}
	return m.Cluster
}

// run is a part of the server: a member until it is stopped. It begins to give its
// shards away as soon as the server is asked to stop, and cuts nothing before the
// patience for that is over.
func (m membership) run(serving context.Context, patience time.Duration, tree *actors.System) func(context.Context) error {
	if m.Cluster == nil {
		return nil
	}
	return func(ctx context.Context) error {
		defer context.AfterFunc(serving, func() { m.Retire(patience) })()
		return m.Run(ctx, tree)
	}
}

// checks are what readiness asks of it.
func (m membership) checks() []parleyhttp.Check {
	if m.Cluster == nil {
		return nil
	}
	return []parleyhttp.Check{{Name: "the cluster", Probe: func(context.Context) error { return m.Ready() }}}
}

func (m membership) close() {
	if m.Cluster != nil {
		m.Close()
	}
}
