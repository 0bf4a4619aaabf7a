package edge

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// Config is the section "edge": whether this server is an edge node, and whether it
// has some. The certificates are those of cluster.tls.
type Config struct {
	Listen    string        `koanf:"listen"`    // where edge nodes reach this server, as host:port; empty for none
	Enabled   bool          `koanf:"enabled"`   // this server is an edge node: it answers from its cache, and forwards the rest
	Name      string        `koanf:"name"`      // of this edge node, as the core shows it; empty for the host's name
	Cores     []string      `koanf:"cores"`     // the core's servers, each as host:port of its edge.listen
	Tolerates time.Duration `koanf:"tolerates"` // how long cached answers go on while the core is out of reach
}

// DefaultConfig has no edge nodes.
func DefaultConfig() Config { return Config{Tolerates: time.Minute} }

const (
	leastTolerated = time.Second
	mostTolerated  = time.Hour // a key that was revoked lives for as long
	mostCores      = 64
	maxName        = 128 // bytes
)

// Validate reports every fault at once. certified says whether cluster.tls is set.
func (c Config) Validate(certified bool) error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	const certificates = "%s and cluster.tls is not: edge nodes and core know each other by certificates, which `parley cluster certs --edges 1` makes"
	if c.Listen != "" {
		_, _, err := net.SplitHostPort(c.Listen)
		require(err == nil, "edge.listen is %q: give host:port, such as 10.0.0.5:7950", c.Listen)
		require(certified, certificates, "edge.listen is set")
		require(!c.Enabled, "edge.listen and edge.enabled are set: an edge node has no edge nodes of its own, so take one of them out")
	}
	if !c.Enabled {
		return errors.Join(faults...)
	}
	require(certified, certificates, "edge.enabled is set")
	require(len(c.Cores) > 0 && len(c.Cores) <= mostCores, "edge.cores has %d addresses: give edge.listen of each of the core's servers, such as 10.0.0.5:7950", len(c.Cores))
	for _, address := range c.Cores {
		host, _, err := net.SplitHostPort(address)
		require(err == nil && host != "", "edge.cores has %q: give host:port, such as 10.0.0.5:7950", address)
	}
	require(len(c.Name) <= maxName, "edge.name has %d bytes: give up to %d", len(c.Name), maxName)
	require(c.Tolerates >= leastTolerated && c.Tolerates <= mostTolerated, "edge.tolerates is %s: give a duration from %s to %s", c.Tolerates, leastTolerated, mostTolerated)
	return errors.Join(faults...)
}
