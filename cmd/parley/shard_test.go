package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/messages"
)

// Clients write through three servers, and the shards of their conversations go to
// another database meanwhile, back, and there again.
func TestShardsMoveUnderServersThatServe(t *testing.T) {
	t.Parallel()
	east := "PARLEY_STORE_POSTGRES_DATABASES_EAST_URL=" + database(t)
	f := startFleet(t, east)
	env := []string{east, "PARLEY_STORE_POSTGRES_URL=" + f.at, "PARLEY_DATA=" + t.TempDir()}
	plan, err := runBinary(t, env, "shard", "plan", "--by", "shards")
	if err != nil || !strings.Contains(plan, "512 shards from home to east") {
		t.Fatalf("%v: %s", err, plan)
	}
	const conversations = 8
	var wait sync.WaitGroup
	var slowest atomic.Int64
	stop := make(chan struct{})
	ids, said := make([]string, conversations), make([][]string, conversations)
	for i := range conversations {
		ids[i] = f.converse(i % len(f.nodes))
		wait.Go(func() { said[i] = f.keepSaying(i%len(f.nodes), ids[i], stop, &slowest) })
	}
	shards := f.shardsOf(ids)
	for _, to := range []string{"east", "home", "east"} {
		out, err := runBinary(t, env, "shard", "move", "--shard", strings.Join(shards, ","), "--to", to)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		t.Log(lines[len(lines)-1])
	}
	close(stop)
	wait.Wait()
	answers := 0
	for i, id := range ids {
		answers += len(said[i])
		for node := range f.nodes {
			if got := f.said(node, id); strings.Join(got, ";") != strings.Join(said[i], ";") {
				t.Errorf("%s has %q by node %d, want %q", id, got, node, said[i])
			}
		}
	}
	t.Logf("%d answers, the slowest took %s", answers, time.Duration(slowest.Load()))
	shown, err := runBinary(t, nil, "cluster", "status", "--data", f.nodes[0].data)
	if err != nil || !strings.Contains(shown, "east") || !strings.Contains(shown, "LEFT BEHIND") {
		t.Errorf("%v: %s", err, shown)
	}
	// What was billed away from home is in the ledger.
	f.await("the ledger to have all answers", func() bool {
		return strings.Contains(f.nodes[1].get("/v1/usage", f.key).body, fmt.Sprintf(`"attempts":%d,`, answers))
	})
}

// shardsOf names the shards that conversations are in.
func (f *fleet) shardsOf(conversations []string) (shards []string) {
	f.t.Helper()
	var tenants struct {
		Data []struct{ ID messages.TenantID }
	}
	if err := json.Unmarshal([]byte(f.nodes[0].operate("GET", "/admin/tenants", "").body), &tenants); err != nil || len(tenants.Data) != 1 {
		f.t.Fatalf("%d tenants: %v", len(tenants.Data), err)
	}
	for _, id := range conversations {
		shard := messages.ShardOf(messages.ConversationRef{Tenant: tenants.Data[0].ID, Conversation: messages.ConversationID(id)})
		if name := strconv.Itoa(int(shard)); !slices.Contains(shards, name) {
			shards = append(shards, name)
		}
	}
	return shards
}

// keepSaying asks one thing after the other, and returns what was answered.
func (f *fleet) keepSaying(node int, conversation string, stop <-chan struct{}, slowest *atomic.Int64) (said []string) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return said
		default:
		}
		text, began := fmt.Sprintf("question %d", n), time.Now()
		response, err := f.say(node, conversation, text)
		if err != nil {
			f.t.Error(err)
			return said
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			f.t.Errorf("question %d in %s: %d %s", n, conversation, response.StatusCode, body)
			return said
		}
		said = append(said, text)
		slowest.Store(max(slowest.Load(), int64(time.Since(began)))) // about
		time.Sleep(20 * time.Millisecond)
	}
}

func TestShardCommandsSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	two := []string{"PARLEY_STORE_POSTGRES_URL=postgres://a@127.0.0.1:1/a", "PARLEY_STORE_POSTGRES_DATABASES_EAST_URL=postgres://a@127.0.0.1:1/b"}
	for arguments, want := range map[string]string{
		"shard plan": "store.postgres.databases",
		"shard move --shard 1 --to east --rate 1": "at least 1MB",
	} {
		if _, err := runBinary(t, nil, strings.Fields(arguments)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", arguments, err)
		}
	}
	if _, err := runBinary(t, two, "shard", "plan"); err == nil || !strings.Contains(err.Error(), "the database could not be used") {
		t.Errorf("a database that is away: %v", err)
	}
}

func TestShardsAreNamedInRuns(t *testing.T) {
	t.Parallel()
	for want, shards := range map[string][]messages.Shard{
		"":              nil,
		"7":             {7},
		"0-2":           {2, 0, 1},
		"0 2-3 9 11-13": {9, 13, 12, 0, 3, 11, 2},
	} {
		if got := runsOf(shards); got != want {
			t.Errorf("%v: %q, want %q", shards, got, want)
		}
	}
}
