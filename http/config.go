package http

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Config is the section "http" of the configuration. Its zero value is not
// usable: start from DefaultConfig.
type Config struct {
	Listen         string        `koanf:"listen"`                   // host:port
	MaxBody        int           `koanf:"max_body" unit:"bytes"`    // bytes of a request's body
	MaxHeaders     int           `koanf:"max_headers" unit:"bytes"` // bytes of a request's line and headers; held by every open connection
	ReadTimeout    time.Duration `koanf:"read_timeout"`             // for the whole request to arrive
	IdleTimeout    time.Duration `koanf:"idle_timeout"`             // of a connection between two requests
	TurnTimeout    time.Duration `koanf:"turn_timeout"`             // longest answer, from the request's last byte
	DrainTimeout   time.Duration `koanf:"drain_timeout"`            // for running requests, when the server stops
	WriteStall     time.Duration `koanf:"write_stall"`              // a stream's client that takes nothing for so long is cut
	Continue       bool          `koanf:"continue"`                 // another provider, or the next node of a cluster, goes on with a stream that breaks, and responses in the background outlive their server, unless the request says otherwise
	TrustedProxies []string      `koanf:"trusted_proxies"`          // networks whose X-Forwarded-For counts, such as 10.0.0.0/8
	Sessions       SessionConfig `koanf:"sessions"`                 // WebSocket connections
}

// DefaultConfig suits a laptop and a small server alike.
func DefaultConfig() Config {
	return Config{
		Listen:       "127.0.0.1:8080",
		MaxBody:      4 << 20,
		MaxHeaders:   8 << 10,
		ReadTimeout:  30 * time.Second,
		IdleTimeout:  2 * time.Minute,
		TurnTimeout:  10 * time.Minute,
		DrainTimeout: 30 * time.Second,
		WriteStall:   10 * time.Second,
		Sessions:     DefaultSessionConfig(),
	}
}

// The bounds of what Validate allows.
const (
	minBody     = 1 << 10
	maxBody     = 64 << 20 // a request is held in memory, several times over
	minHeaders  = 4 << 10
	maxHeaders  = 64 << 10
	maxTurn     = 24 * time.Hour
	maxDrain    = 10 * time.Minute // orchestrators kill what takes longer
	longestIdle = time.Hour
)

// Validate reports every fault at once, each by the key that the operator wrote.
func (c Config) Validate() error {
	_, networks := parseNetworks(c.TrustedProxies)
	return errors.Join(
		checkListen(c.Listen),
		within("max_body", c.MaxBody, minBody, maxBody),
		within("max_headers", c.MaxHeaders, minHeaders, maxHeaders),
		lasting("read_timeout", c.ReadTimeout, time.Second, longestIdle),
		lasting("idle_timeout", c.IdleTimeout, time.Second, longestIdle),
		lasting("turn_timeout", c.TurnTimeout, time.Second, maxTurn),
		lasting("drain_timeout", c.DrainTimeout, 0, maxDrain),
		lasting("write_stall", c.WriteStall, 100*time.Millisecond, longestIdle),
		networks,
		c.Sessions.validate(),
	)
}

func checkListen(address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("http.listen is %q: give host:port, such as 127.0.0.1:8080", address)
	}
	return nil
}

func within(key string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("http.%s is %d: give a number of bytes from %d to %d", key, n, least, most)
	}
	return nil
}

func lasting(key string, d, least, most time.Duration) error {
	if d < least || d > most {
		return fmt.Errorf("http.%s is %s: give a duration from %s to %s", key, d, least, most)
	}
	return nil
}

// parseNetworks reads networks, and single addresses as networks of one.
func parseNetworks(texts []string) ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(texts))
	var faults []error
	for _, text := range texts {
		if network, err := netip.ParsePrefix(text); err == nil {
			networks = append(networks, network.Masked())
		} else if address, err := netip.ParseAddr(text); err == nil {
			networks = append(networks, netip.PrefixFrom(address, address.BitLen()))
		} else {
			faults = append(faults, fmt.Errorf("http.trusted_proxies has %q: give networks such as 10.0.0.0/8, or addresses", text))
		}
	}
	return networks, errors.Join(faults...)
}
