package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"example.com/parley/cluster"
	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

func clusterCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "cluster", Short: "Show the servers that share a database, and make certificates for them", Args: cobra.NoArgs,
		Long: "Show the servers that share a database, and make certificates for them.\n\nA server becomes one of several with `parley serve --cluster`.",
	}
	c.AddCommand(clusterStatusCommand(w), clusterCertsCommand())
	return c
}

func clusterStatusCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "status", Short: "List the servers, and how they share the conversations", Args: cobra.NoArgs,
		Example: "  parley cluster status\n  parley cluster status --server 10.0.0.5:8081 --json",
	}
	flags := addAdminFlags(c)
	asJSON := addJSONFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			state, err := a.ClusterState(ctx)
			if err != nil {
				return err
			}
			view := admin.ViewCluster(state)
			if *asJSON {
				return printIndented(c.OutOrStdout(), view)
			}
			return printCluster(c.OutOrStdout(), view)
		})
	}
	return c
}

func printCluster(w io.Writer, v admin.ClusterView) error {
	if len(v.Members) == 0 {
		_, err := fmt.Fprintln(w, "No server has joined a cluster on this database.")
		return errors.Join(err, printDatabases(w, v.Databases), printEdges(w, v.Edges))
	}
	header := []string{"SERVER", "ADDRESS", "STATE", "SHARDS", "SINCE", "VERSION"}
	err := printTable(w, header, len(v.Members), func(i int) []string {
		m := v.Members[i]
		name := m.ID
		if name == v.Self {
			name += " *"
		}
		return []string{name, m.Address, m.State, strconv.Itoa(m.Shards), showTime(time.Unix(m.Joined, 0), ""), m.Version}
	})
	if err == nil && v.Unowned+v.Moving > 0 {
		_, err = fmt.Fprintf(w, "\n%d of %d shards have no server, and %d are to have another.\n", v.Unowned, messages.Shards, v.Moving)
	}
	return errors.Join(err, printDatabases(w, v.Databases), printEdges(w, v.Edges))
}

// printDatabases prints nothing where there is one.
func printDatabases(w io.Writer, databases []admin.DatabaseView) error {
	if len(databases) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return printTable(w, []string{"DATABASE", "SHARDS", "MOVING", "LEFT BEHIND"}, len(databases), func(i int) []string {
		d := databases[i]
		return []string{d.Name, strconv.Itoa(d.Shards), strconv.Itoa(d.Moving), strconv.Itoa(d.Left)}
	})
}

// printEdges lists the edge nodes, where there are any.
func printEdges(w io.Writer, edges []admin.EdgeView) error {
	if len(edges) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return printTable(w, []string{"EDGE NODE", "HEARD", "BEHIND", "FOLLOWS", "VERSION"}, len(edges), func(i int) []string {
		e := &edges[i]
		follows := "this server"
		if !e.Follows {
			follows = "another"
		}
		heard := (time.Duration(e.HeardMS) * time.Millisecond).String() + " ago"
		return []string{e.Name, heard, count(e.Behind, "event"), follows, e.Version}
	})
}

// certsGood is how long certificates are good for unless somebody says otherwise:
// they are for trying things out, and not to be forgotten.
const certsGood = 365 * 24 * time.Hour

func clusterCertsCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "certs DIR", Short: "Make an authority, and certificates of servers that it vouches for", Args: cobra.ExactArgs(1),
		Long: "Make an authority, and certificates of servers that it vouches for, in a new folder.\n\n" +
			"Each server gets ca.pem, and a node-N.pem with its node-N.key. Whoever has such a key is one\n" +
			"of the servers, so keep ca.key, which makes more, off all of them.",
		Example: "  parley cluster certs ./certs --nodes 3 --edges 2",
	}
	nodes := c.Flags().Int("nodes", 3, "make certificates for `N` servers")
	edges := c.Flags().Int("edges", 0, "make certificates for `N` edge nodes, too")
	good := c.Flags().Duration("valid-for", certsGood, "have them end after the `DURATION`")
	ifAbsent := c.Flags().Bool("if-absent", false, "do nothing where the folder has an authority already")
	c.RunE = func(c *cobra.Command, arguments []string) error {
		if *nodes < 1 || *nodes > 1000 || *edges < 0 || *edges > 1000 || *good < time.Hour {
			return &messages.Failure{Code: messages.CodeInvalidRequest, What: "these are no certificates to work with", Do: "give --nodes from 1 to 1000, --edges up to that, and --valid-for of at least 1h"}
		}
		if _, err := os.Stat(filepath.Join(arguments[0], "ca.pem")); err == nil && *ifAbsent {
			_, err := fmt.Fprintf(c.OutOrStdout(), "there are certificates in %s already\n", arguments[0])
			return err
		}
		if err := cluster.WriteCertificates(arguments[0], *nodes, *edges, *good); err != nil {
			return &messages.Failure{
				Code: messages.CodeInvalidRequest, What: "the certificates could not be written to " + arguments[0],
				Do: "name a folder that has none yet", Cause: err,
			}
		}
		_, err := fmt.Fprintf(c.OutOrStdout(), "made an authority and certificates of %[1]s in %[2]s\n\nFor the first server:\n"+
			"  PARLEY_CLUSTER_TLS_CA=%[2]s/ca.pem PARLEY_CLUSTER_TLS_CERT=%[2]s/node-1.pem PARLEY_CLUSTER_TLS_KEY=%[2]s/node-1.key\n",
			count(*nodes, "server"), arguments[0])
		return err
	}
	return c
}

// ClusterState implements administration.
func (r *remote) ClusterState(ctx context.Context) (s messages.ClusterState, err error) {
	var v admin.ClusterView
	if err := r.do(ctx, http.MethodGet, "/admin/cluster", nil, &v); err != nil {
		return s, err
	}
	s = messages.ClusterState{Self: messages.MemberID(v.Self), Unowned: v.Unowned, Moving: v.Moving}
	for _, d := range v.Databases {
		s.Databases = append(s.Databases, messages.DatabaseShare(d))
	}
	for _, m := range v.Members {
		s.Members = append(s.Members, messages.MemberShare{
			Member: messages.Member{
				ID: messages.MemberID(m.ID), Address: m.Address, Version: m.Version, Leaving: m.State == "leaving",
				Joined: time.Unix(m.Joined, 0), Lease: time.Duration(m.LeaseMS) * time.Millisecond,
			},
			Shards: m.Shards,
		})
	}
	for i := range v.Edges {
		e := &v.Edges[i]
		s.Edges = append(s.Edges, messages.EdgeNode{
			Name: e.Name, Version: e.Version, Follows: e.Follows, Behind: e.Behind, Heard: time.Now().Add(-time.Duration(e.HeardMS) * time.Millisecond),
		})
	}
	return s, nil
}

// ClusterState implements admin.Cluster.
func (s inStore) ClusterState(ctx context.Context) (state messages.ClusterState, err error) {
	if s.nodes != nil {
		members, placements, err := s.nodes.Topology(ctx)
		if err != nil {
			return messages.ClusterState{}, err
		}
		state = cluster.StateOf(members, placements)
		state.Self = s.member
	}
	if s.edges != nil {
		state.Edges = s.edges()
	}
	if spread, several := s.nodes.(interface {
		DatabaseShares(ctx context.Context) ([]messages.DatabaseShare, error)
	}); several {
		state.Databases, err = spread.DatabaseShares(ctx)
	}
	return state, err
}
