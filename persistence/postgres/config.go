package postgres

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config is the section "store.postgres".
type Config struct {
	URL         string        `koanf:"url" secret:"true"` // postgres://user:password@host/database; empty means SQLite
	Connections int32         `koanf:"connections"`       // kept open
	MaxConns    int32         `koanf:"max_connections"`   // at most, under load
	Lifetime    time.Duration `koanf:"lifetime"`          // after which a connection is replaced, so that a moved server is found
	CommitDelay time.Duration `koanf:"commit_delay"`      // the server waits so long for other commits to share its fsync; 0 not at all
}

// DefaultConfig suits one server before one PostgreSQL.
func DefaultConfig() Config {
	return Config{Connections: 20, MaxConns: 30, Lifetime: time.Hour, CommitDelay: 200 * time.Microsecond}
}

// Validate reports every fault at once. What is in the URL stays in it.
func (c Config) Validate() error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	if c.URL != "" {
		_, err := pgxpool.ParseConfig(c.URL)
		require(err == nil, "store.postgres.url cannot be read: give postgres://user:password@host/database")
	}
	require(c.Connections >= 1, "store.postgres.connections is %d: give a number above 0, such as 20", c.Connections)
	require(c.MaxConns >= c.Connections, "store.postgres.max_connections is %d: give at least store.postgres.connections, %d", c.MaxConns, c.Connections)
	require(c.Lifetime >= time.Minute, "store.postgres.lifetime is %s: give a duration of at least 1m, such as 1h", c.Lifetime)
	require(c.CommitDelay >= 0 && c.CommitDelay <= 100*time.Millisecond, "store.postgres.commit_delay is %s: give a duration from 0 to 100ms", c.CommitDelay)
	return errors.Join(faults...)
}
