package conversation

import (
	"errors"
	"fmt"
	"time"
)

// Config is the section "conversation".
type Config struct {
	WindowItems int           `koanf:"window_items"`              // newest items of a conversation that a model is sent
	WindowBytes int           `koanf:"window_bytes" unit:"bytes"` // at most so much of their JSON
	GoneGrace   time.Duration `koanf:"gone_grace"`                // how long a kept turn goes on once its client left; 0 cancels it
	MaxReply    int           `koanf:"max_reply" unit:"bytes"`    // of text in one reply; a longer one is cut
	HedgeAfter  time.Duration `koanf:"hedge_after"`               // a second provider is asked beside one whose first byte is later, for at most one call of twenty; 0 for never
	Retries     int           `koanf:"retries"`                   // of one turn, when all its providers failed; of all turns a tenth of the calls, or ten a second
}

// DefaultConfig sends a model as much as the largest context windows take (some
// 4 bytes a token), and lets a user who closed his laptop find the answer.
func DefaultConfig() Config {
	return Config{WindowItems: 2000, WindowBytes: 4 << 20, GoneGrace: time.Minute, MaxReply: 8 << 20, Retries: 2}
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	require(c.WindowItems > 0, "conversation.window_items is %d: give a number of items above 0, such as 2000", c.WindowItems)
	require(c.WindowBytes >= 1024, "conversation.window_bytes is %d: give at least 1024 bytes", c.WindowBytes)
	require(c.GoneGrace >= 0, "conversation.gone_grace is %s: give a duration such as 60s, or 0 to cancel at once", c.GoneGrace)
	require(c.MaxReply >= 1024, "conversation.max_reply is %d: give at least 1024 bytes", c.MaxReply)
	require(c.HedgeAfter == 0 || c.HedgeAfter >= leastHedge, "conversation.hedge_after is %s: give at least %s, or 0 for never", c.HedgeAfter, leastHedge)
	require(c.Retries >= 0 && c.Retries <= maxRetries, "conversation.retries is %d: give a number from 0 to %d", c.Retries, maxRetries)
	return errors.Join(faults...)
}

// leastHedge is a wait that no model keeps: every call would be made twice.
const leastHedge = 10 * time.Millisecond

// maxRetries is more than helps: a provider that failed so often is down.
const maxRetries = 5

// StreamConfig is the section "stream": how soon what is shown is durable.
type StreamConfig struct {
	PrefixInterval  time.Duration `koanf:"prefix_interval"`   // a kept reply is stored at least so often while it streams
	PrefixChunks    int           `koanf:"prefix_chunks"`     // and after so many chunks; of a long reply after an eighth of what is stored
	ShowAfterCommit bool          `koanf:"show_after_commit"` // a kept reply's chunk is shown only once it is stored
}

// DefaultStreamConfig loses at most a quarter of a second of text to a crash.
func DefaultStreamConfig() StreamConfig {
	return StreamConfig{PrefixInterval: 250 * time.Millisecond, PrefixChunks: 32}
}

// Validate reports every fault at once.
func (c StreamConfig) Validate() error {
	var faults []error
	if c.PrefixInterval < 10*time.Millisecond || c.PrefixInterval > 10*time.Second {
		faults = append(faults, fmt.Errorf("stream.prefix_interval is %s: give a duration from 10ms to 10s", c.PrefixInterval))
	}
	if c.PrefixChunks < 1 || c.PrefixChunks > 4096 {
		faults = append(faults, fmt.Errorf("stream.prefix_chunks is %d: give a number of chunks from 1 to 4096", c.PrefixChunks))
	}
	return errors.Join(faults...)
}
