package cluster_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/cluster"
	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long anything that is awaited may take. A test that passes does
// not wait for it.
const patience = 30 * time.Second

// database makes an empty one, and returns its URL.
func database(t testing.TB) string {
	t.Helper()
	server := os.Getenv("PARLEY_TEST_POSTGRES_URL")
	if server == "" {
		t.Fatal("PARLEY_TEST_POSTGRES_URL is not set: `make test` starts a PostgreSQL and sets it")
	}
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	var random [8]byte
	_, _ = rand.Read(random[:])
	name := "parley_" + hex.EncodeToString(random[:])
	for _, statement := range []string{
		"CREATE ROLE " + name + " LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '" + name + "'",
		"CREATE DATABASE " + name + " OWNER " + name,
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		_, _ = conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		_, _ = conn.Exec(context.Background(), "DROP ROLE IF EXISTS "+name)
		_ = conn.Close(context.Background())
	})
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	at.User, at.Path = url.UserPassword(name, name), "/"+name
	return at.String()
}

// node is one of a test's cluster, in front of actors that the test plays.
type node struct {
	*cluster.Cluster
	*stand

	id    messages.MemberID
	store *postgres.Store
	stop  context.CancelFunc
	ended chan outcome // of Run
}

// outcome is what came of something that a goroutine did.
type outcome struct{ err error }

// join starts a node.
func join(t testing.TB, at string) *node {
	t.Helper()
	return joinAs(t, at, func(*cluster.Config) {})
}

// joinFor starts a node whose leases run for so long.
func joinFor(t testing.TB, at string, lease time.Duration) *node {
	t.Helper()
	return joinAs(t, at, func(cfg *cluster.Config) { cfg.Lease = lease })
}

// joinAs starts a node with settings of its own.
func joinAs(t testing.TB, at string, set func(*cluster.Config)) *node {
	t.Helper()
	n := &node{id: cluster.NewMemberID(), stand: newStand(), ended: make(chan outcome, 1)}
	store := postgres.DefaultConfig()
	store.URL, store.Connections, store.MaxConns = at, 1, 6
	var err error
	if n.store, err = postgres.OpenMember(t.Context(), store, n.id, prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.store.Close)
	cfg := cluster.DefaultConfig()
	cfg.Enabled, cfg.Listen, cfg.Heartbeat = true, "127.0.0.1:0", 500*time.Millisecond
	set(&cfg)
	if n.Cluster, err = cluster.Open(cfg, cluster.Deps{
		Self: n.id, Version: "v1", Registry: n.store, Registerer: prometheus.NewRegistry(),
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)).With("node", n.id),
	}); err != nil {
		t.Fatal(err)
	}
	n.elsewhere = n.Cluster
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	n.stop = stop
	go func() { n.ended <- outcome{n.Run(ctx, n.stand)} }() // ends with stop
	t.Cleanup(func() {
		stop()
		<-n.ended // the test has seen to it
		n.Close()
		n.wait()
	})
	return n
}

// leave ends a node as its process would.
func (n *node) leave(t *testing.T) {
	t.Helper()
	n.stop()
	select {
	case left := <-n.ended:
		n.ended <- left
		if left.err != nil {
			t.Errorf("it left with %v", left.err)
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
}

// start sends a turn by way of this node, as its edge would.
func (n *node) start(m *messages.StartTurn) {
	if !n.Carry(m) {
		n.Here(m)
	}
}

// owns counts the shards that are open.
func (n *node) owns() (owned int) {
	for s := range messages.Shard(messages.Shards) {
		if n.Epoch(s) > 0 {
			owned++
		}
	}
	return owned
}

// await waits until something is so.
func await(t testing.TB, what string, so func() bool) {
	t.Helper()
	for begun := time.Now(); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("after %s: %s", patience, what)
		}
	}
}

func awaitSpread(t testing.TB, nodes ...*node) {
	t.Helper()
	await(t, "the shards are not spread", func() bool {
		sum, most := 0, 0
		for _, n := range nodes {
			select {
			case left := <-n.ended:
				n.ended <- left
				t.Fatalf("a node has ended: %v", left.err)
			default:
			}
			owned := n.owns()
			sum, most = sum+owned, max(most, owned)
		}
		return sum == messages.Shards && most*len(nodes) <= messages.Shards*5/4
	})
}

// stand plays the actors of a node: a shard that is open carries out what play does.
type stand struct {
	elsewhere *cluster.Cluster
	play      atomic.Pointer[func(messages.Addressed)]

	mu      sync.Mutex
	open    map[messages.Shard]messages.ShardEpoch
	working map[messages.Shard]int
	parts   sync.WaitGroup
}

func newStand() *stand {
	s := &stand{open: make(map[messages.Shard]messages.ShardEpoch), working: make(map[messages.Shard]int)}
	s.plays(answer)
	return s
}

func (s *stand) plays(f func(messages.Addressed)) { s.play.Store(&f) }

func (s *stand) wait() { s.parts.Wait() }

// OpenShard implements cluster.Local.
func (s *stand) OpenShard(of messages.Shard, epoch messages.ShardEpoch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[of] = epoch
}

// CloseShard implements cluster.Local.
func (s *stand) CloseShard(of messages.Shard, m *messages.CloseShard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working[of] > 0 && !m.Force {
		m.Reply <- false
		return
	}
	delete(s.open, of)
	m.Reply <- true
}

// Here implements cluster.Local.
func (s *stand) Here(m messages.Addressed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := messages.ShardOf(m.To())
	if s.open[of] == 0 {
		s.elsewhere.Return(m)
		return
	}
	s.working[of]++
	play := *s.play.Load()
	s.parts.Go(func() {
		play(m)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.working[of]--
	})
}

// answer is a conversation that repeats what it is asked.
func answer(m messages.Addressed) {
	switch m := m.(type) {
	case *messages.StartTurn:
		m.Answer(messages.TurnStarted{Conversation: m.Spec.Conversation})
		say(m, m.Spec.Instructions)
		finish(m)
	case *messages.AddItems:
		m.Reply <- messages.Edited{Items: []messages.StoredItem{{Item: m.Items[0], Seq: 7, Turn: m.Request}}}
	case *messages.EraseItem:
		m.Reply <- messages.Edited{Err: &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no item " + string(m.Item)}}
	case *messages.CancelTurn:
		m.Reply <- messages.Cancelled{Found: true}
	default:
		messages.Decline(m, &messages.Failure{Code: messages.CodeUnsupported})
	}
}

func say(m *messages.StartTurn, text string) {
	select {
	case m.Chunks <- messages.Chunk{Kind: messages.ChunkText, Text: text}:
	case <-m.Client.Done():
	}
}

func finish(m *messages.StartTurn) {
	m.Settle(42)
	select {
	case m.Chunks <- messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}}:
	case <-m.Client.Done():
	}
	m.Leave()
	close(m.Chunks)
}

// in names a conversation whose shard the node has.
func (n *node) in(t testing.TB) messages.ConversationRef {
	t.Helper()
	for i := range 10 * messages.Shards {
		ref := messages.ConversationRef{Tenant: "acme", Conversation: messages.NewConversationID(messages.TurnID{byte(i), byte(i >> 8)})}
		if n.Epoch(messages.ShardOf(ref)) > 0 {
			return ref
		}
	}
	t.Fatal("it has no shard")
	return messages.ConversationRef{}
}

// turn makes a turn that asks for text.
func turn(client context.Context, ref messages.ConversationRef, text string) *messages.StartTurn {
	return messages.NewStartTurn(client, messages.TurnSpec{
		ID: messages.TurnID{1}, Tenant: ref.Tenant, Conversation: ref.Conversation, Keep: true, Stream: true,
		Instructions: text, Deadline: time.Now().Add(patience),
	})
}

// received reads a turn's stream to its end.
func received(t *testing.T, m *messages.StartTurn) (text string, end *messages.TurnOutcome) {
	t.Helper()
	timeout := time.After(patience)
	var read strings.Builder
	for {
		select {
		case c, open := <-m.Chunks:
			switch {
			case !open:
				return read.String(), end
			case c.Kind == messages.ChunkEnd:
				end = c.End
			default:
				read.WriteString(c.Text)
			}
		case <-timeout:
			t.Fatalf("the stream goes on behind %d bytes", read.Len())
		}
	}
}

func started(t *testing.T, m *messages.StartTurn) messages.TurnStarted {
	t.Helper()
	return answered(t, m.Reply)
}

// answered waits for the answer to a request.
func answered[T any](t *testing.T, reply <-chan T) (answer T) {
	t.Helper()
	select {
	case answer = <-reply:
	case <-time.After(patience):
		t.Fatal("nobody answers")
	}
	return answer
}
