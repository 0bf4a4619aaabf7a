package shard

import (
	"errors"
	"fmt"
	"time"
)

// Config is the section "shard".
type Config struct {
	IdleAfter time.Duration `koanf:"idle_after"` // a conversation that hears nothing for so long is put to sleep
}

// DefaultConfig keeps a conversation awake over a person's pause for thought.
func DefaultConfig() Config { return Config{IdleAfter: 5 * time.Minute} }

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.IdleAfter < time.Second {
		faults = append(faults, fmt.Errorf("shard.idle_after is %s: give a duration of at least 1s, such as 5m", c.IdleAfter))
	}
	return errors.Join(faults...)
}
