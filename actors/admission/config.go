package admission

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Config is the section "admission": how many turns run, and how many wait.
type Config struct {
	MaxRunning int64 `koanf:"max_running"` // turns at once; each holds a client's and a provider's connection
	MaxWaiting int64 `koanf:"max_waiting"` // turns in the queue, all classes together; the next one gets 503
	// Adaptive has fewer turns run at once while they keep each other from the
	// processors, and refuses classes, the lowest first, while memory is short.
	Adaptive bool `koanf:"adaptive"`
	// TenantShare is the part of the queue that one tenant may take, from above 0 to
	// 1; its next turn gets 429.
	TenantShare float64 `koanf:"tenant_share"`
	// Weights are how much of the places tenants get while they compete for them, by
	// the tenant's id and in proportion to the others, which have 1. What an operator
	// set for a tenant comes before it.
	Weights map[string]int `koanf:"weights"`
}

// mostTenant is how many turns of one tenant may wait.
func (c Config) mostTenant() int64 {
	return max(int64(c.TenantShare*float64(c.MaxWaiting)), min(c.MaxWaiting, 1))
}

// DefaultConfig keeps a process with the usual limit of 20,000 open files and a
// few hundred MB of memory out of trouble.
func DefaultConfig() Config {
	return Config{MaxRunning: 4096, MaxWaiting: 1024, Adaptive: true, TenantShare: 0.5}
}

// MostWeight of a tenant keeps virtual time fine enough.
const MostWeight = 1000

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.MaxRunning < 1 {
		faults = append(faults, fmt.Errorf("admission.max_running is %d: give a number of turns above 0, such as 4096", c.MaxRunning))
	}
	if c.MaxWaiting < 0 {
		faults = append(faults, fmt.Errorf("admission.max_waiting is %d: give a number of turns, 0 to refuse at once", c.MaxWaiting))
	}
	if !(c.TenantShare > 0 && c.TenantShare <= 1) {
		faults = append(faults, fmt.Errorf("admission.tenant_share is %g: give a part of the queue from above 0 to 1, such as 0.5", c.TenantShare))
	}
	for _, tenant := range slices.Sorted(maps.Keys(c.Weights)) {
		if w := c.Weights[tenant]; w < 1 || w > MostWeight {
			faults = append(faults, fmt.Errorf("admission.weights.%s is %d: give a number from 1 to %d", tenant, w, MostWeight))
		}
	}
	return errors.Join(faults...)
}
