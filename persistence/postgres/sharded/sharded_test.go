package sharded_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/messages"
	"example.com/parley/persistence/persistencetest"
	"example.com/parley/persistence/postgres"
	"example.com/parley/persistence/postgres/sharded"
)

// verify runs the tests, and removes what they have in common.
func verify(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		for _, name := range patterns.made {
			_ = administer(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		}
		_ = administer(context.Background(), "DROP ROLE IF EXISTS "+patterns.role)
		os.Exit(status)
	}))
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// patterns are databases that the tests' own are copies of: to make one is much more
// work. All belong to one role, which is held by row-level security.
var patterns struct {
	once       sync.Once
	role       string
	home, east string
	made       []string
	err        error
}

// server is the superuser's URL that `make test` provides.
func server() string { return os.Getenv("PARLEY_TEST_POSTGRES_URL") }

// administer runs a statement of the superuser's.
func administer(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, server())
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is lost with it
	_, err = conn.Exec(ctx, statement)
	return err
}

func randomName() string {
	var random [8]byte
	_, _ = rand.Read(random[:])
	return "parley_" + hex.EncodeToString(random[:])
}

// at is a database's URL.
func at(name string) string {
	u, err := url.Parse(server())
	if err != nil {
		panic(err)
	}
	u.User, u.Path = url.UserPassword(patterns.role, patterns.role), "/"+name
	return u.String()
}

func makePatterns(ctx context.Context) error {
	role := randomName()
	patterns.role, patterns.home, patterns.east = role, randomName(), randomName()
	if err := administer(ctx, "CREATE ROLE "+role+" LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '"+role+"'"); err != nil {
		return err
	}
	for _, name := range []string{patterns.home, patterns.east} {
		patterns.made = append(patterns.made, name)
		if err := administer(ctx, "CREATE DATABASE "+name+" OWNER "+role); err != nil {
			return err
		}
	}
	s, err := sharded.Open(ctx, several(patterns.home, patterns.east), "", prometheus.NewRegistry(), quiet())
	if err == nil {
		s.Close() //nolint:contextcheck // it ends whatever the context says
	}
	return err
}

func several(home, east string) postgres.Config {
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.Connections, cfg.MaxConns = at(home), 1, 8
	cfg.Databases = map[string]postgres.DatabaseConfig{"east": {URL: at(east)}}
	return cfg
}

// twoDatabases is a configuration of home and east, with nothing in them.
func twoDatabases(t testing.TB) postgres.Config {
	t.Helper()
	if server() == "" {
		t.Fatal("PARLEY_TEST_POSTGRES_URL is not set: `make test` starts a PostgreSQL and sets it")
	}
	patterns.once.Do(func() { patterns.err = makePatterns(context.WithoutCancel(t.Context())) })
	if patterns.err != nil {
		t.Fatal(patterns.err)
	}
	copied := func(of string) string {
		name := randomName()
		if err := administer(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+of+" OWNER "+patterns.role); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = administer(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
		return name
	}
	return several(copied(patterns.home), copied(patterns.east))
}

func open(t testing.TB, cfg postgres.Config) *sharded.Store {
	t.Helper()
	return openAs(t, cfg, "")
}

func openAs(t testing.TB, cfg postgres.Config, member messages.MemberID) *sharded.Store {
	t.Helper()
	store, err := sharded.Open(t.Context(), cfg, member, prometheus.NewRegistry(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// operate runs statements of the operator's in a database.
func operate(t testing.TB, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // nothing is lost with it
	for _, statement := range append([]string{"SET parley.scope = 'operator'"}, statements...) {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// spread has every second shard, of which there is nothing yet, be in east.
func spread(t testing.TB, cfg postgres.Config) {
	t.Helper()
	operate(t, cfg.Databases["east"].URL, "INSERT INTO shard_places (shard, state) SELECT generate_series(1, 1023, 2), 'here'")
	operate(t, cfg.URL, "UPDATE shard_places SET state = 'gone' WHERE shard % 2 = 1", "UPDATE shard_storage SET database = 'east', version = version + 1 WHERE shard % 2 = 1")
}

func TestStoreOverTwoDatabases(t *testing.T) {
	t.Parallel()
	persistencetest.Run(t, func(t *testing.T) persistencetest.Opener {
		cfg := twoDatabases(t)
		spread(t, cfg)
		return func() persistencetest.Store { return open(t, cfg) }
	})
}
