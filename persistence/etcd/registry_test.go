package etcd_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/messages"
	"example.com/parley/persistence/etcd"
	"example.com/parley/persistence/persistencetest"
	"example.com/parley/persistence/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is the URL of one that `make test` starts.
func service(t *testing.T, variable string) string {
	t.Helper()
	at := os.Getenv(variable)
	if at == "" {
		t.Fatal(variable + " is not set: `make test` starts what it names, and sets it")
	}
	return at
}

// database makes an empty one, and returns its URL.
func database(t *testing.T) string {
	t.Helper()
	server := service(t, "PARLEY_TEST_POSTGRES_URL")
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	name := "parley_" + strings.ToLower(rand.Text())
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

// lease is the shortest that etcd grants, but one: it counts seconds.
const lease = 2 * time.Second

// node opens a member's store, and its way to etcd.
func node(t *testing.T, at, prefix string, id messages.MemberID) (*etcd.Registry, *postgres.Store) {
	t.Helper()
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.Connections, cfg.MaxConns = at, 1, 8
	store, err := postgres.OpenMember(t.Context(), cfg, id, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	registry, err := etcd.Open(etcd.Config{Endpoints: []string{service(t, "PARLEY_TEST_ETCD_URL")}, Prefix: prefix}, store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	return registry, store
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	persistencetest.RunRegistry(t, lease, func(t *testing.T) func(messages.MemberID) persistencetest.Node {
		at, prefix := database(t), rand.Text()
		return func(id messages.MemberID) persistencetest.Node {
			registry, store := node(t, at, prefix, id)
			return persistencetest.Node{Registry: registry, Store: store}
		}
	})
}

// A cluster that met in PostgreSQL, or whose etcd was lost, goes on from the epochs
// that its writes are held to.
func TestEpochsGoOnFromTheStores(t *testing.T) {
	t.Parallel()
	at := database(t)
	first, store := node(t, at, rand.Text(), "a")
	seven := func(messages.Shard) (messages.ShardEpoch, bool) { return 7, true }
	if err := store.RaiseShards(t.Context(), seven); err != nil {
		t.Fatal(err)
	}
	take := func(r *etcd.Registry, id messages.MemberID) messages.Placement {
		t.Helper()
		if err := r.Join(t.Context(), messages.Member{ID: id, Address: "a:1"}, time.Minute); err != nil { // taking all takes its time
			t.Fatal(err)
		}
		_, seen, err := r.Topology(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		taken, err := r.TakeShards(t.Context(), id, seen)
		if err != nil || len(taken) != messages.Shards {
			t.Fatalf("took %d shards, %v", len(taken), err)
		}
		return taken[5]
	}
	if got := take(first, "a"); got.Epoch != 8 {
		t.Errorf("the first owner has epoch %d, want 8", got.Epoch)
	}
	if _, err := first.RecoverShards(t.Context(), func(messages.Shard) (messages.ShardEpoch, bool) { return 8, true }); err != nil {
		t.Fatal(err)
	}
	if err := store.RaiseShards(t.Context(), seven); err != nil { // which is too late
		t.Fatal(err)
	}
	another, _ := node(t, at, rand.Text(), "b")
	if got := take(another, "b"); got.Epoch != 9 {
		t.Errorf("in another etcd the next owner has epoch %d, want 9", got.Epoch)
	}
}

// silentStore is a store that is out of reach for what the registry asks of it.
type silentStore struct{ etcd.Fence }

var errOutOfReach = errors.New("the store is out of reach")

func (silentStore) CutMembers(context.Context, []messages.MemberID) error { return errOutOfReach }

// The lease is etcd's: it is renewed, and known to be, while the store cannot be told of a
// member that is gone.
func TestLeaseIsRenewedWhileTheStoreIsOutOfReach(t *testing.T) {
	t.Parallel()
	at, prefix := database(t), rand.Text()
	_, store := node(t, at, prefix, "living")
	dead, _ := node(t, at, prefix, "dead")
	living, err := etcd.Open(etcd.Config{Endpoints: []string{service(t, "PARLEY_TEST_ETCD_URL")}, Prefix: prefix}, silentStore{store})
	if err != nil {
		t.Fatal(err)
	}
	defer living.Close()
	for id, registry := range map[messages.MemberID]*etcd.Registry{"living": living, "dead": dead} {
		if err := registry.Join(t.Context(), messages.Member{ID: id, Address: "a:1"}, lease); err != nil {
			t.Fatal(err)
		}
	}
	for {
		members, err := living.Renew(t.Context(), "living", lease)
		if len(members) == 0 {
			t.Fatalf("it was not renewed: %v", err)
		}
		if err != nil {
			if !errors.Is(err, errOutOfReach) {
				t.Error(err)
			}
			return
		}
		time.Sleep(lease / 10)
	}
}
