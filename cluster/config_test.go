package cluster_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/parley/cluster"
)

func TestConfigSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	whole := cluster.TLSConfig{CA: "ca.pem", Cert: "node.pem", Key: "node.key"}
	for name, c := range map[string]struct {
		change func(*cluster.Config)
		want   string // empty: nothing is
	}{
		"alone, whatever the rest says":   {func(c *cluster.Config) { c.Enabled, c.Listen = false, "nonsense" }, ""},
		"on loopback":                     {func(*cluster.Config) {}, ""},
		"on a private address":            {func(c *cluster.Config) { c.Listen = "10.0.0.5:7946" }, ""},
		"on a public address":             {func(c *cluster.Config) { c.Listen = "203.0.113.7:7946" }, "cluster.tls is not set"},
		"on all addresses":                {func(c *cluster.Config) { c.Listen = "0.0.0.0:7946" }, "cluster.tls is not set"},
		"on all addresses, found by none": {func(c *cluster.Config) { c.Listen, c.TLS = "0.0.0.0:7946", whole }, "cluster.advertise"},
		"on all addresses, found by a name": {func(c *cluster.Config) {
			c.Listen, c.Advertise, c.TLS = "0.0.0.0:7946", "node-1.internal:7946", whole
		}, ""},
		"on a name":                        {func(c *cluster.Config) { c.Listen = "node-1:7946" }, "cluster.tls is not set"},
		"on a public address, with TLS":    {func(c *cluster.Config) { c.Listen, c.TLS = "203.0.113.7:7946", whole }, ""},
		"with a part of TLS":               {func(c *cluster.Config) { c.TLS.CA = "ca.pem" }, "give all three, or none"},
		"on no address":                    {func(c *cluster.Config) { c.Listen = ":7946" }, "cluster.listen"},
		"seen without a port":              {func(c *cluster.Config) { c.Advertise = "node-1" }, "cluster.advertise"},
		"with a lease of hardly two beats": {func(c *cluster.Config) { c.Lease = 2 * time.Second }, "cluster.lease"},
		"with a beat that never rests":     {func(c *cluster.Config) { c.Heartbeat = time.Millisecond }, "cluster.heartbeat"},
	} {
		cfg := cluster.DefaultConfig()
		cfg.Enabled = true
		c.change(&cfg)
		err := cfg.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestConfigOfAnotherRegistryNamesItsFaults(t *testing.T) {
	t.Parallel()
	valid := func() cluster.Config {
		c := cluster.DefaultConfig()
		c.Enabled, c.Registry, c.Etcd.Endpoints = true, cluster.RegistryEtcd, []string{"https://10.0.0.9:2379"}
		return c
	}
	if err := valid().Validate(); err != nil {
		t.Errorf("a valid one: %v", err)
	}
	for want, change := range map[string]func(*cluster.Config){
		"cluster.registry":       func(c *cluster.Config) { c.Registry = "zookeeper" },
		"cluster.etcd.endpoints": func(c *cluster.Config) { c.Etcd.Endpoints = nil },
		"cluster.etcd.prefix":    func(c *cluster.Config) { c.Etcd.Prefix = "" },
		"cluster.etcd.tls":       func(c *cluster.Config) { c.Etcd.TLS.Cert = "node.pem" },
		"cluster.lease":          func(c *cluster.Config) { c.Lease = 3500 * time.Millisecond },
	} {
		c := valid()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// Etcd may show a certificate of an authority of its own, and ask for one.
func TestEtcdIsReachedByItsOwnCertificates(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "certs")
	if err := cluster.WriteCertificates(folder, 1, 0, time.Hour); err != nil {
		t.Fatal(err)
	}
	c := cluster.EtcdConfig{}
	if plain, err := c.Credentials(); plain != nil || err != nil {
		t.Errorf("without files: %v, %v", plain, err)
	}
	c.TLS.CA = filepath.Join(folder, "ca.pem")
	if own, err := c.Credentials(); err != nil || own.RootCAs == nil || len(own.Certificates) != 0 {
		t.Errorf("with an authority: %+v, %v", own, err)
	}
	c.TLS.Cert, c.TLS.Key = filepath.Join(folder, "node-1.pem"), filepath.Join(folder, "node-1.key")
	if own, err := c.Credentials(); err != nil || len(own.Certificates) != 1 {
		t.Errorf("with a certificate: %+v, %v", own, err)
	}
	c.TLS.CA = c.TLS.Key
	if _, err := c.Credentials(); err == nil {
		t.Error("a key was taken for an authority")
	}
}
