package redis

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config is the section "redis".
type Config struct {
	URL      string        `koanf:"url" secret:"true"`    // redis://user:password@host:6379/0, or rediss:// with TLS; empty means that nodes share nothing
	Secret   string        `koanf:"secret" secret:"true"` // the same on all nodes; without it, who can write to Redis can make up replies
	Prefix   string        `koanf:"prefix"`               // of all keys, for servers that share one Redis
	PoolSize int           `koanf:"pool_size"`            // connections at most
	MinIdle  int           `koanf:"min_idle"`             // connections kept open
	Timeout  time.Duration `koanf:"timeout"`              // of a lookup on a request's way; a slower one is a miss
}

// DefaultConfig suits a Redis in the same data centre.
func DefaultConfig() Config {
	return Config{Prefix: "parley", PoolSize: 50, MinIdle: 5, Timeout: 25 * time.Millisecond}
}

// The bounds of what Validate allows.
const (
	shortestSecret = 16 // characters
	maxPool        = 10_000
	maxTimeout     = time.Second // a model answers in that time
)

// Validate reports every fault at once. What is in the URL stays in it.
func (c Config) Validate() error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("redis."+format, args...))
		}
	}
	if c.URL != "" {
		_, err := redis.ParseURL(c.URL)
		require(err == nil, "url cannot be read: give redis://user:password@host:6379/0, or rediss:// for TLS")
	}
	require(c.Secret == "" || len(c.Secret) >= shortestSecret, "secret is shorter than %d characters: give the output of `openssl rand -hex 32`", shortestSecret)
	require(c.Prefix != "" && !strings.ContainsAny(c.Prefix, `*?[]\:{} `), "prefix is %q: give a plain word, such as parley", c.Prefix)
	require(c.PoolSize >= 1 && c.PoolSize <= maxPool, "pool_size is %d: give a number from 1 to %d, such as 50", c.PoolSize, maxPool)
	require(c.MinIdle >= 0 && c.MinIdle <= c.PoolSize, "min_idle is %d: give a number from 0 to redis.pool_size, %d", c.MinIdle, c.PoolSize)
	require(c.Timeout >= time.Millisecond && c.Timeout <= maxTimeout, "timeout is %s: give from 1ms to %s, such as 25ms", c.Timeout, maxTimeout)
	return errors.Join(faults...)
}
