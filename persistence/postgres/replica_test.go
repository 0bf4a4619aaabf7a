package postgres_test

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"example.com/parley/bench/program" //nolint:depguard // it starts servers, and knows nothing of what is kept
	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
)

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() //nolint:errcheck // nothing is lost with it
	return ln.Addr().String()
}

// pair is a PostgreSQL and one that follows it, both the test's own.
type pair struct{ primary, follower *program.Postgres }

func startPair(t *testing.T) pair {
	t.Helper()
	folder, err := os.MkdirTemp("", "parley-pair-") //nolint:usetesting // PostgreSQL's own user enters it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	primary, err := program.NewPostgres(t.Context(), folder, freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(primary.Kill)
	if err := primary.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	follower, err := primary.Follower(t.Context(), folder, freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(follower.Kill)
	if err := follower.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return pair{primary, follower}
}

// listings is how many of them somebody answered.
func listings(t *testing.T, registry *prometheus.Registry, who string) (n float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "chatbot_store_listings_total" && metric.GetLabel()[0].GetValue() == who {
				n += metric.GetCounter().GetValue()
			}
		}
	}
	return n
}

// A replica answers what it has, which is all that was acknowledged; one that does not
// keep up, or is gone, answers nothing and keeps nobody waiting.
func TestReplicaAnswersListings(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.ReplicaURL, cfg.Connections, cfg.MaxConns, cfg.ReplicaWait = p.primary.URL, p.follower.URL, 1, 8, 500*time.Millisecond
	registry := prometheus.NewRegistry()
	store, err := postgres.Open(t.Context(), cfg, registry)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	made := 0
	create := func() {
		t.Helper()
		made++
		id := messages.TurnID{1, byte(made >> 8), byte(made)}
		ref := messages.ConversationRef{Tenant: "acme", Conversation: messages.NewConversationID(id)}
		if _, err := store.CreateConversation(t.Context(), messages.Conversation{Ref: ref, Created: time.Now()}, id, nil); err != nil {
			t.Fatal(err)
		}
	}
	list := func() time.Duration {
		t.Helper()
		began := time.Now()
		found, _, err := store.Conversations(t.Context(), "acme", messages.Page{Limit: 1000})
		if err != nil || len(found) != made {
			t.Fatalf("listed %d of %d: %v", len(found), made, err)
		}
		return time.Since(began)
	}
	var slowest time.Duration
	for range 100 { // each is listed as soon as it is acknowledged
		create()
		slowest = max(slowest, list())
	}
	byReplica := listings(t, registry, "replica")
	t.Logf("the replica answered %v of 100 listings, each right behind a write; the slowest took %s", byReplica, slowest)
	if byReplica < 50 {
		t.Errorf("the replica answered %v of 100", byReplica)
	}
	t.Run("while it does not keep up", func(t *testing.T) {
		letGo := holdUp(t, p)
		for range 5 {
			create()
			if took := list(); took > time.Second {
				t.Errorf("a listing took %s", took)
			}
		}
		if listings(t, registry, "behind") == 0 {
			t.Error("it was not found out that the replica is behind")
		}
		letGo()
	})
	t.Run("while it is away", func(t *testing.T) {
		p.follower.Kill()
		for range 5 {
			create()
			if took := list(); took > 1500*time.Millisecond {
				t.Errorf("a listing took %s", took)
			}
		}
		if err := p.follower.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := listings(t, registry, "replica")
		for began := time.Now(); listings(t, registry, "replica") == before; time.Sleep(50 * time.Millisecond) {
			list()
			if time.Since(began) > 20*time.Second {
				t.Fatal("the replica is back, and answers nothing")
			}
		}
	})
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v: %v", problems, err)
	}
}

// holdUp has the follower get the log and not carry it out, until it is let go: a reader
// there is in the way of a lock that was taken.
func holdUp(t *testing.T, p pair) (letGo func()) {
	t.Helper()
	connect := func(url string) *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	exec := func(conn *pgx.Conn, statements ...string) {
		for _, statement := range statements {
			if _, err := conn.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	reader, locker := connect(p.follower.URL), connect(p.primary.URL)
	defer locker.Close(t.Context()) //nolint:errcheck // nothing is lost with it
	exec(reader, "BEGIN", "SELECT count(*) FROM conversations")
	exec(locker, "BEGIN", "LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE", "COMMIT")
	return func() { _ = reader.Close(t.Context()) }
}
