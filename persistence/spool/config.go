package spool

import (
	"errors"
	"fmt"
	"time"
)

// Config is the section "ledger".
type Config struct {
	Folder       string        `koanf:"folder"`                 // of the queue's files; empty means "ledger" in the data folder
	MaxBytes     int64         `koanf:"max_bytes" unit:"bytes"` // on disk; at it no attempt is begun until the store takes rows again
	SyncInterval time.Duration `koanf:"sync_interval"`          // what a power cut may lose of rows that no turn's transaction carries
	SyncAlways   bool          `koanf:"sync_always"`            // a row is on the disk before its turn ends; slower by one fsync
}

// DefaultConfig holds some hours of rows of a busy server whose store is away.
// docs/decisions/ledger-spool.md says why it does not wait for the disk.
func DefaultConfig() Config {
	return Config{MaxBytes: 1 << 30, SyncInterval: 50 * time.Millisecond}
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.MaxBytes < segmentBytes {
		faults = append(faults, fmt.Errorf("ledger.max_bytes is %d: give at least %d", c.MaxBytes, segmentBytes))
	}
	if c.SyncInterval < time.Millisecond || c.SyncInterval > time.Minute {
		faults = append(faults, fmt.Errorf("ledger.sync_interval is %s: give a duration from 1ms to 1m", c.SyncInterval))
	}
	return errors.Join(faults...)
}
