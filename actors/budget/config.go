package budget

import (
	"errors"
	"fmt"
	"time"
)

// Config is the section "budgets": how nodes share what may be spent.
type Config struct {
	Lease     time.Duration `koanf:"lease"`      // how long what a node holds stays its own while it says nothing: so long a dead node's part is nobody's, and so long a node spends without its store
	Refresh   time.Duration `koanf:"refresh"`    // between two looks at the store: how soon a changed budget holds on every node
	Idle      time.Duration `koanf:"idle"`       // after which a node gives back what it does not use
	Patience  time.Duration `koanf:"patience"`   // how long a request waits for the store, or for what other nodes hold
	MaxOutput int           `koanf:"max_output"` // tokens that a reply is taken to have at most, where neither the request nor the model's known cap says so
	MaxTries  int           `koanf:"max_tries"`  // how often a webhook is called before its alert is given up
}

// DefaultConfig suits one node and several alike.
func DefaultConfig() Config {
	return Config{
		Lease: 2 * time.Minute, Refresh: time.Second, Idle: 10 * time.Second, Patience: 2 * time.Second,
		MaxOutput: 32768, MaxTries: 16,
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
	require(c.Refresh >= 10*time.Millisecond && c.Refresh <= 30*time.Second, "budgets.refresh is %s: give a duration from 10ms to 30s, such as 1s", c.Refresh)
	require(c.Lease >= 4*c.Refresh && c.Lease <= 24*time.Hour, "budgets.lease is %s: give a duration of at least 4 times budgets.refresh, such as 2m", c.Lease)
	require(c.Idle >= c.Refresh, "budgets.idle is %s: give at least budgets.refresh, such as 10s", c.Idle)
	require(c.Patience > 0 && c.Patience <= 30*time.Second, "budgets.patience is %s: give a duration up to 30s, such as 2s", c.Patience)
	require(c.MaxOutput > 0, "budgets.max_output is %d: give a number of tokens, such as 32768", c.MaxOutput)
	require(c.MaxTries > 0 && c.MaxTries <= 100, "budgets.max_tries is %d: give a number from 1 to 100, such as 16", c.MaxTries)
	return errors.Join(faults...)
}
