package admin

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Cluster knows how the servers on one database share the conversations. cmd/parley
// joins it to the store.
type Cluster interface {
	// ClusterState has no members where the server is alone.
	ClusterState(ctx context.Context) (messages.ClusterState, error)
}

// ClusterView is a cluster on the wire.
type ClusterView struct {
	Object  string       `json:"object"`  // "cluster"
	Self    string       `json:"self"`    // the id of the server that answers; empty where it is alone
	Members []MemberView `json:"members"` // those that joined first come first
	Unowned int          `json:"unowned"` // shards that no server has, of 1,024
	Moving  int          `json:"moving"`  // shards that are to have another
	Edges   []EdgeView   `json:"edges"`   // that this server heard lately, by name; no members

	Databases []DatabaseView `json:"databases,omitempty"` // that the shards are in, where there are several
}

// DatabaseView is a database of several on the wire.
type DatabaseView struct {
	Name   string `json:"name"`
	Shards int    `json:"shards"` // that are in it
	Moving int    `json:"moving"` // of them are being copied to another
	Left   int    `json:"left"`   // shards that have moved, and whose old rows are still there
}

// EdgeView is an edge node on the wire.
type EdgeView struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	HeardMS int64  `json:"heard_ms"` // for how long it was not heard
	Follows bool   `json:"follows"`  // it has its news from this server; else from another
	Behind  int    `json:"behind"`   // events of the caches that it has not taken yet
}

// MemberView is a server of a cluster on the wire.
type MemberView struct {
	ID      string `json:"id"`
	Address string `json:"address"` // where the others reach it
	Version string `json:"version"`
	State   string `json:"state"`    // serving, or leaving; silent where its lease has run out
	Shards  int    `json:"shards"`   // that it has
	Joined  int64  `json:"joined"`   // seconds since 1970
	LeaseMS int64  `json:"lease_ms"` // what is left of its lease
}

// ViewCluster writes a state as the wire has it.
func ViewCluster(s messages.ClusterState) ClusterView {
	v := ClusterView{Object: "cluster", Self: string(s.Self), Members: make([]MemberView, len(s.Members)), Unowned: s.Unowned, Moving: s.Moving, Edges: make([]EdgeView, len(s.Edges))}
	for i := range s.Edges {
		e := &s.Edges[i]
		v.Edges[i] = EdgeView{Name: e.Name, Version: e.Version, HeardMS: time.Since(e.Heard).Milliseconds(), Follows: e.Follows, Behind: e.Behind}
	}
	for _, d := range s.Databases {
		v.Databases = append(v.Databases, DatabaseView(d))
	}
	for i := range s.Members {
		m := &s.Members[i]
		v.Members[i] = MemberView{
			ID: string(m.ID), Address: m.Address, Version: m.Version, State: stateOf(m), Shards: m.Shards,
			Joined: m.Joined.Unix(), LeaseMS: int64(m.Lease / time.Millisecond),
		}
	}
	return v
}

func stateOf(m *messages.MemberShare) string {
	switch {
	case m.Lease < 0:
		return "silent"
	case m.Leaving:
		return "leaving"
	default:
		return "serving"
	}
}

func (s *Server) showCluster(c *fiber.Ctx) error {
	ctx, release := s.bounded()
	defer release()
	state, err := s.deps.Cluster.ClusterState(ctx)
	if err != nil {
		return err
	}
	return c.JSON(ViewCluster(state))
}
