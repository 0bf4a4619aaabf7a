package sharded_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/messages"
	"example.com/parley/persistence/persistencetest"
	"example.com/parley/persistence/postgres"
	"example.com/parley/persistence/postgres/sharded"
)

// verify runs the tests.
func verify(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// emptyDatabase makes one with a role of its own, and returns its URL.
func emptyDatabase(t testing.TB) string {
	t.Helper()
	server := os.Getenv("PARLEY_TEST_POSTGRES_URL")
	if server == "" {
		t.Fatal("PARLEY_TEST_POSTGRES_URL is not set: `make test` starts a PostgreSQL and sets it")
	}
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
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
	})
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	at.User, at.Path = url.UserPassword(name, name), "/"+name
	return at.String()
}

// twoDatabases is a configuration of home and east, both empty.
func twoDatabases(t testing.TB) postgres.Config {
	t.Helper()
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.Connections, cfg.MaxConns = emptyDatabase(t), 1, 8
	cfg.Databases = map[string]postgres.DatabaseConfig{"east": {URL: emptyDatabase(t)}}
	return cfg
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
		open(t, cfg).Close()
		spread(t, cfg)
		return func() persistencetest.Store { return open(t, cfg) }
	})
}
