package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Config is the section "cluster": whether this server is one of several, and how
// they reach each other.
type Config struct {
	Enabled   bool          `koanf:"enabled"`   // one of several servers on the same PostgreSQL
	Listen    string        `koanf:"listen"`    // where the other nodes reach this one, as host:port
	Advertise string        `koanf:"advertise"` // the same as they see it, where that is another; empty for listen
	Heartbeat time.Duration `koanf:"heartbeat"` // how often the lease is renewed
	Lease     time.Duration `koanf:"lease"`     // after which others take over from a node that says nothing
	TLS       TLSConfig     `koanf:"tls"`
	Registry  string        `koanf:"registry"` // where the nodes meet: postgres, which is the store's own, or etcd
	Etcd      EtcdConfig    `koanf:"etcd"`
}

// The places where nodes meet.
const (
	RegistryPostgres = "postgres"
	RegistryEtcd     = "etcd"
)

// EtcdConfig is the etcd in which nodes meet, where that is the place.
type EtcdConfig struct {
	Endpoints []string  `koanf:"endpoints"` // of its servers, such as https://10.0.0.9:2379
	Prefix    string    `koanf:"prefix"`    // of all keys, for clusters that share an etcd
	TLS       TLSConfig `koanf:"tls"`       // ca alone where it asks nobody for a certificate
}

// TLSConfig names the files by which nodes know each other: all three, or none.
type TLSConfig struct {
	CA   string `koanf:"ca"`   // certificate of who vouches for nodes
	Cert string `koanf:"cert"` // this node's own
	Key  string `koanf:"key"`  // and its key
}

// DefaultConfig is a node that is alone.
func DefaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:7946", Heartbeat: time.Second, Lease: 3 * time.Second,
		Registry: RegistryPostgres, Etcd: EtcdConfig{Prefix: "parley"},
	}
}

// leastBeats is how many heartbeats fit into a lease: one may be lost, and one late.
const leastBeats = 3

// Validate reports every fault at once.
func (c Config) Validate() error {
	if !c.Enabled {
		return nil
	}
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	host, _, err := net.SplitHostPort(c.Listen)
	require(err == nil && host != "", "cluster.listen is %q: give the address that other nodes reach this one by, such as 10.0.0.5:7946", c.Listen)
	if c.Advertise != "" {
		seen, port, err := net.SplitHostPort(c.Advertise)
		require(err == nil && seen != "" && port != "0", "cluster.advertise is %q: give host:port, such as node-1.internal:7946", c.Advertise)
	}
	require(c.Advertise != "" || !isAll(host), "cluster.listen is %q, by which the other nodes cannot find this one: set cluster.advertise to what they can, such as node-1.internal:7946", c.Listen)
	require(c.Heartbeat >= 100*time.Millisecond, "cluster.heartbeat is %s: give a duration of at least 100ms, such as 1s", c.Heartbeat)
	require(c.Lease >= leastBeats*c.Heartbeat, "cluster.lease is %s: give at least %d times cluster.heartbeat, %s", c.Lease, leastBeats, leastBeats*c.Heartbeat)
	require(c.TLS.isWhole(), "cluster.tls has ca, cert and key: give all three, or none; `parley cluster certs` makes them")
	require(c.TLS.isSet() || isPrivate(host), "cluster.listen is %q, which is no private address, and cluster.tls is not set: whoever reaches it could do anything; "+
		"set cluster.tls, whose files `parley cluster certs` makes, or listen on a private address", c.Listen)
	switch c.Registry {
	case RegistryPostgres:
	case RegistryEtcd:
		require(len(c.Etcd.Endpoints) > 0, "cluster.etcd.endpoints is empty: give the addresses of its servers, such as https://10.0.0.9:2379")
		require(c.Etcd.Prefix != "", "cluster.etcd.prefix is empty: give a word, such as parley")
		require((c.Etcd.TLS.Cert == "") == (c.Etcd.TLS.Key == ""), "cluster.etcd.tls has cert and key: give both, or none")
		require(c.Lease >= leastEtcdLease && c.Lease%time.Second == 0, "cluster.lease is %s: give whole seconds, at least %s, as etcd counts them", c.Lease, leastEtcdLease)
	default:
		require(false, "cluster.registry is %q: give %s or %s", c.Registry, RegistryPostgres, RegistryEtcd)
	}
	return errors.Join(faults...)
}

// leastEtcdLease is the shortest that an etcd with its usual settings grants.
const leastEtcdLease = 2 * time.Second

func (c TLSConfig) isSet() bool { return c.CA != "" && c.Cert != "" && c.Key != "" }

func (c TLSConfig) isWhole() bool { return c.isSet() || c == TLSConfig{} }

// isAll tells whether an address stands for all of a machine.
func isAll(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsUnspecified()
}

// isPrivate tells whether an address can only be reached from networks that are not
// the internet. A name may be anything, and so may an address that stands for all.
func isPrivate(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (address.IsLoopback() || address.IsPrivate() || address.IsLinkLocalUnicast())
}
