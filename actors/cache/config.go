package cache

import (
	"errors"
	"fmt"
	"time"

	"example.com/parley/actors/cache/embed"
	"example.com/parley/messages"
)

// Config is the section "cache".
type Config struct {
	Enabled     bool          `koanf:"enabled"`                // answer from what was answered before
	Threshold   float64       `koanf:"threshold"`              // similarity from which on another question's reply is served, from 0 to 1; 0.85 means the same with every embedder
	TTL         time.Duration `koanf:"ttl"`                    // for how long a reply is served, unless its request says otherwise
	MaxBytes    int64         `koanf:"max_bytes" unit:"bytes"` // of all replies with their keys and vectors
	TenantShare float64       `koanf:"tenant_share"`           // of max_bytes that one tenant may fill, from 0 to 1
	MaxReply    int           `koanf:"max_reply" unit:"bytes"` // a longer reply is not kept
	Embed       embed.Config  `koanf:"embed"`                  // who turns questions into vectors
	Judge       JudgeConfig   `koanf:"judge"`                  // who says what else a reply serves
	Ahead       AheadConfig   `koanf:"ahead"`                  // what is fetched before anybody asks
}

// DefaultConfig suits a laptop and a small server alike.
func DefaultConfig() Config {
	return Config{
		Enabled: true, Threshold: 0.85, TTL: time.Hour, MaxBytes: 100 << 20, TenantShare: 1, MaxReply: 256 << 10,
		Embed: embed.DefaultConfig(), Judge: DefaultJudgeConfig(), Ahead: DefaultAheadConfig(),
	}
}

// The bounds of what Validate allows.
const (
	minBytes = 1 << 20
	maxBytes = 1 << 40
	minReply = 1 << 10
	maxReply = 16 << 20
)

// Validate reports every fault at once, each by the key that the operator wrote.
func (c Config) Validate() error {
	var faults []error
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("cache."+format, args...))
		}
	}
	fault(c.Threshold >= messages.MinCacheThreshold && c.Threshold <= 1, "threshold is %v: give a number from %v to 1, such as 0.85", c.Threshold, messages.MinCacheThreshold)
	fault(c.TTL >= messages.MinCacheTTL && c.TTL <= messages.MaxCacheTTL, "ttl is %s: give from %s to %s, such as 1h", c.TTL, messages.MinCacheTTL, messages.MaxCacheTTL)
	fault(c.MaxBytes >= minBytes && c.MaxBytes <= maxBytes, "max_bytes is %d: give from %d to %d bytes, such as 100MiB", c.MaxBytes, minBytes, int64(maxBytes))
	fault(c.TenantShare > 0 && c.TenantShare <= 1, "tenant_share is %v: give a share above 0 and up to 1, such as 0.5", c.TenantShare)
	fault(c.MaxReply >= minReply && c.MaxReply <= maxReply, "max_reply is %d: give from %d to %d bytes, such as 256KiB", c.MaxReply, minReply, maxReply)
	return errors.Join(errors.Join(faults...), c.Embed.Validate(), c.Judge.Validate(), c.Ahead.Validate())
}
