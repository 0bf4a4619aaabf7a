package postgres

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
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

	ReplicaURL  string        `koanf:"replica_url" secret:"true"` // of a server that follows the one at url; listings and usage reports are read from it, where it is not behind
	ReplicaWait time.Duration `koanf:"replica_wait"`              // a listing waits so long for it to catch up; then it is read at url

	Databases map[string]DatabaseConfig `koanf:"databases"` // further ones that conversations may be in, by a name of your own; the one above is home
}

// DatabaseConfig is a further database. What is not said of it is as for home.
type DatabaseConfig struct {
	URL        string `koanf:"url" secret:"true"`         // postgres://user:password@host/database
	ReplicaURL string `koanf:"replica_url" secret:"true"` // as store.postgres.replica_url
}

// Home is the name of the database that the others are further ones to.
const Home = "home"

// Names are those of all databases, home first.
func (c Config) Names() []string {
	return append([]string{Home}, slices.Sorted(maps.Keys(c.Databases))...)
}

// Of is the configuration of one of the databases.
func (c Config) Of(name string) Config {
	if name != Home {
		c.URL, c.ReplicaURL = c.Databases[name].URL, c.Databases[name].ReplicaURL
	}
	c.Databases = nil
	return c
}

// memberConnections are what a node has for the cluster's own affairs, so that its lease
// is renewed also while all others are taken.
const memberConnections = 3

func (c Config) forMembers() Config {
	c.Connections, c.MaxConns = 1, memberConnections
	return c
}

var databaseName = regexp.MustCompile(`^[a-z0-9_]{1,30}$`)

// DefaultConfig suits one server before one PostgreSQL.
func DefaultConfig() Config {
	return Config{Connections: 20, MaxConns: 30, Lifetime: time.Hour, CommitDelay: 200 * time.Microsecond, ReplicaWait: 20 * time.Millisecond}
}

// Validate reports every fault at once. What is in the URL stays in it.
func (c Config) Validate() error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	readable := func(url string) bool {
		_, err := pgxpool.ParseConfig(url)
		return err == nil
	}
	require(c.URL == "" || readable(c.URL), "store.postgres.url cannot be read: give postgres://user:password@host/database")
	require(c.ReplicaURL == "" || readable(c.ReplicaURL), "store.postgres.replica_url cannot be read: give postgres://user:password@host/database")
	for _, name := range c.Names()[1:] {
		d := c.Databases[name]
		require(d.ReplicaURL == "" || readable(d.ReplicaURL), "store.postgres.databases.%s.replica_url cannot be read: give postgres://user:password@host/database", name)
		require(d.URL != "" && readable(d.URL), "store.postgres.databases.%s.url cannot be read: give postgres://user:password@host/database", name)
		require(databaseName.MatchString(name) && name != Home, "store.postgres.databases has the name %q: give one of small letters, digits and _ that is not %s", name, Home)
		require(c.URL != "", "store.postgres.databases.%s is given and store.postgres.url is not: give the URL of the first database there", name)
	}
	require(c.Connections >= 1, "store.postgres.connections is %d: give a number above 0, such as 20", c.Connections)
	require(c.MaxConns >= c.Connections, "store.postgres.max_connections is %d: give at least store.postgres.connections, %d", c.MaxConns, c.Connections)
	require(c.Lifetime >= time.Minute, "store.postgres.lifetime is %s: give a duration of at least 1m, such as 1h", c.Lifetime)
	require(c.CommitDelay >= 0 && c.CommitDelay <= 100*time.Millisecond, "store.postgres.commit_delay is %s: give a duration from 0 to 100ms", c.CommitDelay)
	require(c.ReplicaWait >= 0 && c.ReplicaWait <= time.Second, "store.postgres.replica_wait is %s: give a duration from 0 to 1s", c.ReplicaWait)
	return errors.Join(faults...)
}
