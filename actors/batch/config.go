package batch

import (
	"errors"
	"fmt"
	"time"
)

// Config is the section "batch".
type Config struct {
	Concurrency int           `koanf:"concurrency"`            // requests of one batch under way at a time
	MaxRunning  int           `koanf:"max_running"`            // batches at work, of all tenants
	MaxTenant   int           `koanf:"max_tenant"`             // of them of one tenant
	MaxBytes    int64         `koanf:"max_bytes" unit:"bytes"` // of requests and results in memory, of all batches; a tenant gets a quarter
	KeepFor     time.Duration `koanf:"keep_for"`               // how long results may be fetched behind a batch's end
}

// DefaultConfig suits a laptop and a small server alike.
func DefaultConfig() Config {
	return Config{Concurrency: 100, MaxRunning: 16, MaxTenant: 4, MaxBytes: 256 << 20, KeepFor: time.Hour}
}

// The bounds of what Validate allows.
const (
	mostConcurrency = 1000
	mostRunning     = 1000
	leastBytes      = 1 << 20
	longestKept     = 7 * 24 * time.Hour
)

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	fault := func(wrong bool, key string, value any, give string) {
		if wrong {
			faults = append(faults, fmt.Errorf("batch.%s is %v: give %s", key, value, give))
		}
	}
	fault(c.Concurrency < 1 || c.Concurrency > mostConcurrency, "concurrency", c.Concurrency, "a number of requests from 1 to 1000")
	fault(c.MaxRunning < 1 || c.MaxRunning > mostRunning, "max_running", c.MaxRunning, "a number of batches from 1 to 1000")
	fault(c.MaxTenant < 1 || c.MaxTenant > c.MaxRunning, "max_tenant", c.MaxTenant, "a number of batches from 1 to batch.max_running")
	fault(c.MaxBytes < leastBytes, "max_bytes", c.MaxBytes, "a number of bytes from 1048576")
	fault(c.KeepFor < time.Second || c.KeepFor > longestKept, "keep_for", c.KeepFor, "a duration from 1s to 168h")
	return errors.Join(faults...)
}
