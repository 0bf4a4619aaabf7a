package http

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// SessionConfig is the section "http.sessions": WebSocket connections.
type SessionConfig struct {
	Origins       []string      `koanf:"origins"`                   // of web pages that may connect with a ticket, such as https://chat.example.com; a client that is no browser has none
	MaxMessage    int           `koanf:"max_message" unit:"bytes"`  // bytes of a client's message, also after it was decompressed
	MessageRate   int           `koanf:"message_rate"`              // messages a second that a connection may send; twice as many at once
	MaxTenant     int           `koanf:"max_per_tenant"`            // connections of one tenant
	MaxAddress    int           `koanf:"max_per_address"`           // connections from one address
	AcceptRate    int           `koanf:"accept_rate"`               // connections a second that are taken; others are told when to come again
	MaxAge        time.Duration `koanf:"max_age"`                   // of a connection; what runs then may end
	Queue         int           `koanf:"queue" unit:"bytes"`        // bytes that wait for a client that reads slowly
	PingEvery     time.Duration `koanf:"ping_every"`                // connections are asked so often whether they are there
	PongWithin    time.Duration `koanf:"pong_within"`               // and are closed when they do not answer within
	KeyCheckEvery time.Duration `koanf:"key_check_every"`           // how often the key that opened a connection is checked again
	Deflate       bool          `koanf:"deflate"`                   // messages are compressed where the client offers it
	DeflateDeltas bool          `koanf:"deflate_deltas"`            // pieces of text too, which gains little
	DeflateFrom   int           `koanf:"deflate_from" unit:"bytes"` // bytes of a message from which on it is compressed
}

// DefaultSessionConfig has OpenAI's limits where there are such.
func DefaultSessionConfig() SessionConfig {
	return SessionConfig{
		MaxMessage:    4 << 20,
		MessageRate:   100,
		MaxTenant:     5000,
		MaxAddress:    2000,
		AcceptRate:    2000,
		MaxAge:        time.Hour,
		Queue:         256 << 10,
		PingEvery:     20 * time.Second,
		PongWithin:    10 * time.Second,
		KeyCheckEvery: time.Minute,
		Deflate:       true,
		DeflateFrom:   512,
	}
}

// The bounds of what Validate allows.
const (
	maxCount = 1 << 20
	minQueue = 16 << 10
	maxQueue = 16 << 20
)

func (c *SessionConfig) validate() error {
	faults := append(make([]error, 0, 16+len(c.Origins)),
		within("sessions.max_message", c.MaxMessage, minBody, maxBody),
		counted("sessions.message_rate", c.MessageRate),
		counted("sessions.max_per_tenant", c.MaxTenant),
		counted("sessions.max_per_address", c.MaxAddress),
		counted("sessions.accept_rate", c.AcceptRate),
		lasting("sessions.max_age", c.MaxAge, time.Second, maxTurn),
		within("sessions.queue", c.Queue, minQueue, maxQueue),
		lasting("sessions.ping_every", c.PingEvery, 100*time.Millisecond, longestIdle),
		lasting("sessions.pong_within", c.PongWithin, 50*time.Millisecond, c.PingEvery),
		lasting("sessions.key_check_every", c.KeyCheckEvery, 100*time.Millisecond, longestIdle),
		within("sessions.deflate_from", c.DeflateFrom, 0, maxBody),
	)
	for _, origin := range c.Origins {
		faults = append(faults, checkOrigin(origin))
	}
	return errors.Join(faults...)
}

func counted(key string, n int) error {
	if n < 1 || n > maxCount {
		return fmt.Errorf("http.%s is %d: give a number from 1 to %d", key, n, maxCount)
	}
	return nil
}

// checkOrigin refuses what no browser sends as an Origin: a scheme, a host and
// perhaps a port, and nothing behind them. There is no sign for "any".
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin {
		return fmt.Errorf("http.sessions.origins has %q: give origins such as https://chat.example.com", origin)
	}
	return nil
}
