package admission

import (
	"errors"
	"fmt"
)

// Config is the section "admission": how many turns run, and how many wait.
type Config struct {
	MaxRunning int64 `koanf:"max_running"` // turns at once; each holds a client's and a provider's connection
	MaxWaiting int64 `koanf:"max_waiting"` // turns in the queue, all classes together; the next one gets 503
}

// DefaultConfig keeps a process with the usual limit of 20,000 open files and a
// few hundred MB of memory out of trouble.
func DefaultConfig() Config { return Config{MaxRunning: 4096, MaxWaiting: 1024} }

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.MaxRunning < 1 {
		faults = append(faults, fmt.Errorf("admission.max_running is %d: give a number of turns above 0, such as 4096", c.MaxRunning))
	}
	if c.MaxWaiting < 0 {
		faults = append(faults, fmt.Errorf("admission.max_waiting is %d: give a number of turns, 0 to refuse at once", c.MaxWaiting))
	}
	return errors.Join(faults...)
}
