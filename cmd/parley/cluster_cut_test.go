package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
)

// The database decides who is a member. Where nobody reaches it nothing moves; whom
// alone it does not hear, the others remove.
func TestServersThatDoNotReachTheDatabase(t *testing.T) {
	t.Parallel()
	at, err := url.Parse(database(t))
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t}
	ways := make([]*toxiproxy.Proxy, 2)
	for i := range ways {
		ways[i] = toxicNetwork(t, at.Host)
		through := *at
		through.Host = ways[i].Listen
		f.nodes = append(f.nodes, start(t, launch{
			arguments: []string{"--cluster", "--cluster-listen", "127.0.0.1:0"},
			env:       []string{"PARLEY_STORE_POSTGRES_URL=" + through.String(), "PARLEY_STORE_POSTGRES_CONNECTIONS=2"},
		}))
	}
	f.outlastOutage(ways, "the database", 4*time.Second)

	ways[1].Stop()
	f.await("nobody takes over", func() bool { return f.shards(0) == 1024 })
	enable(t, ways[1])
	f.nodes[1].awaitRemoval()
}

var memberNames = regexp.MustCompile(`node_[0-9a-f]+`)

// members is who they are, by the first server's account.
func (f *fleet) members() string {
	f.t.Helper()
	shown, err := runBinary(f.t, nil, "cluster", "status", "--data", f.nodes[0].data)
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Join(memberNames.FindAllString(shown, -1), " ")
}

func (f *fleet) await(what string, so func() bool) {
	f.t.Helper()
	for begun := time.Now(); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > patience {
			f.t.Fatalf("after %s: %s", patience, what)
		}
	}
}

// outlastOutage cuts two servers off from where they meet until every lease has run out:
// neither is ready meanwhile, and nothing moves, then or afterwards.
func (f *fleet) outlastOutage(ways []*toxiproxy.Proxy, from string, leases time.Duration) {
	f.t.Helper()
	f.key = f.nodes[0].key
	f.awaitSpread(2)
	conversation := f.converse(0)
	members := f.members()
	for _, way := range ways {
		way.Stop()
	}
	for i, p := range f.nodes {
		f.await("a server that does not reach "+from+" is ready", func() bool { return p.readiness() != http.StatusOK })
		if got := f.shards(i); got != 512 {
			f.t.Errorf("server %d has %d shards open", i, got)
		}
	}
	time.Sleep(leases)
	for _, way := range ways {
		enable(f.t, way)
	}
	for _, p := range f.nodes {
		f.await("a server is not ready again", func() bool { return p.readiness() == http.StatusOK })
	}
	f.awaitSpread(2)
	if now := f.members(); now != members {
		f.t.Errorf("the members were %s, and are %s", members, now)
	}
	for node := range f.nodes {
		if answer := f.nodes[node].post("/v1/responses", f.key, fmt.Sprintf(`{"model":"simulated/x","input":"Hello!","conversation":%q}`, conversation)); answer.status != http.StatusOK {
			f.t.Errorf("by server %d: %d %s", node, answer.status, answer.body)
		}
	}
}

// Etcd decides who is a member where nodes meet there. While nobody reaches it nothing
// moves, and afterwards nobody is taken for dead.
func TestServersThatDoNotReachEtcd(t *testing.T) {
	t.Parallel()
	env := inEtcd(t)
	at, err := url.Parse(os.Getenv("PARLEY_TEST_ETCD_URL"))
	if err != nil {
		t.Fatal(err)
	}
	database := database(t)
	f := &fleet{t: t}
	ways := make([]*toxiproxy.Proxy, 2)
	for i := range ways {
		ways[i] = toxicNetwork(t, at.Host)
		f.nodes = append(f.nodes, start(t, launch{
			arguments: []string{"--cluster", "--cluster-listen", "127.0.0.1:0"},
			env: append([]string{
				"PARLEY_STORE_POSTGRES_URL=" + database, "PARLEY_STORE_POSTGRES_CONNECTIONS=2", env[0], env[2],
			}, "PARLEY_CLUSTER_ETCD_ENDPOINTS=http://"+ways[i].Listen),
		}))
	}
	f.outlastOutage(ways, "etcd", 5*time.Second)
}
