package tenant

import (
	"errors"
	"fmt"
	"time"
)

// Config is the section "keys": how keys are remembered, and how often a wrong
// one may be tried.
type Config struct {
	Refresh     time.Duration `koanf:"refresh"`      // between two looks for changed keys; a revoked key dies within this and the time of a query
	OutageGrace time.Duration `koanf:"outage_grace"` // how long keys that are known go on while the store does not answer
	LoadTimeout time.Duration `koanf:"load_timeout"` // for one question to the store
	MaxLoads    int           `koanf:"max_loads"`    // questions for unknown keys at once; more are refused for the moment
	MaxTries    int           `koanf:"max_tries"`    // wrong keys from one address within a minute; 0 counts none
}

// DefaultConfig lets a revoked key live for a second, and a server without its
// store for five minutes.
func DefaultConfig() Config {
	return Config{
		Refresh: time.Second, OutageGrace: 5 * time.Minute, LoadTimeout: 2 * time.Second,
		MaxLoads: 64, MaxTries: 10,
	}
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	require(c.Refresh >= 10*time.Millisecond && c.Refresh <= 3*time.Second,
		"keys.refresh is %s: give a duration from 10ms to 3s, so that a revoked key dies within 5s", c.Refresh)
	require(c.OutageGrace >= 0, "keys.outage_grace is %s: give a duration such as 5m, or 0 to refuse keys at once", c.OutageGrace)
	require(c.LoadTimeout > 0 && c.LoadTimeout <= 10*time.Second, "keys.load_timeout is %s: give a duration up to 10s, such as 2s", c.LoadTimeout)
	require(c.MaxLoads > 0, "keys.max_loads is %d: give a number above 0, such as 64", c.MaxLoads)
	require(c.MaxTries >= 0, "keys.max_tries is %d: give a number of tries a minute, such as 10, or 0 to count none", c.MaxTries)
	return errors.Join(faults...)
}
