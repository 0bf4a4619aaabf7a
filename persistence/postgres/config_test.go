package postgres_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
)

func TestConfigNamesTheKeyThatIsWrongAndNoSecret(t *testing.T) {
	t.Parallel()
	if err := postgres.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for key, change := range map[string]func(*postgres.Config){
		"store.postgres.url":             func(c *postgres.Config) { c.URL = "postgres://u:hunter2@host:port/x" },
		"store.postgres.connections":     func(c *postgres.Config) { c.Connections = 0 },
		"store.postgres.max_connections": func(c *postgres.Config) { c.MaxConns = 1 },
		"store.postgres.lifetime":        func(c *postgres.Config) { c.Lifetime = time.Second },
		"store.postgres.commit_delay":    func(c *postgres.Config) { c.CommitDelay = time.Second },
		"store.postgres.replica_url":     func(c *postgres.Config) { c.ReplicaURL = "postgres://u:hunter2@host:port/x" },
		"store.postgres.replica_wait":    func(c *postgres.Config) { c.ReplicaWait = time.Minute },
		"store.postgres.databases.east.url": func(c *postgres.Config) {
			c.URL, c.Databases = "postgres://a/b", map[string]postgres.DatabaseConfig{"east": {URL: "postgres://u:hunter2@host:port/x"}}
		},
		"store.postgres.databases.east.replica_url": func(c *postgres.Config) {
			c.URL, c.Databases = "postgres://a/b", map[string]postgres.DatabaseConfig{"east": {URL: "postgres://a/c", ReplicaURL: "postgres://u:hunter2@host:port/x"}}
		},
		"store.postgres.url is not": func(c *postgres.Config) {
			c.Databases = map[string]postgres.DatabaseConfig{"east": {URL: "postgres://a/c"}}
		},
		"the name \"home\"": func(c *postgres.Config) {
			c.URL, c.Databases = "postgres://a/b", map[string]postgres.DatabaseConfig{postgres.Home: {URL: "postgres://a/c"}}
		},
	} {
		c := postgres.DefaultConfig()
		change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// A server that is cut off neither refuses a connection nor answers on it.
func TestServerThatSaysNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // the system accepts, and nobody reads
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	cfg := postgres.DefaultConfig()
	cfg.URL = "postgres://parley@" + silent.Addr().String() + "/parley"
	began := time.Now()
	_, err = postgres.Open(t.Context(), cfg, prometheus.NewRegistry())
	if code := messages.CodeOf(err); code != messages.CodeStoreUnavailable || time.Since(began) > time.Minute {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

func TestServerThatIsAwayIsToldAsUnavailable(t *testing.T) {
	t.Parallel()
	cfg := postgres.DefaultConfig()
	cfg.URL = "postgres://parley@127.0.0.1:1/parley?connect_timeout=2"
	_, err := postgres.Open(t.Context(), cfg, prometheus.NewRegistry())
	failure := messages.AsFailure(err)
	if failure.Code != messages.CodeStoreUnavailable || failure.RetryAfter == 0 {
		t.Errorf("got %v", err)
	}
}
