package main

import (
	"errors"

	"example.com/parley/cluster"
	"example.com/parley/messages"
	"example.com/parley/persistence/etcd"
)

// registry is where this server meets others: none, where its store is its own.
type registry struct {
	cluster.Registry

	close func()
}

// openRegistry opens what the configuration names. It asks nobody yet.
func openRegistry(c cluster.Config, s store) (registry, error) {
	if c.Registry != cluster.RegistryEtcd {
		shared, _ := s.(cluster.Registry)
		return registry{shared, func() {}}, nil
	}
	fence, shared := s.(etcd.Fence)
	if !shared {
		return registry{close: func() {}}, nil
	}
	credentials, err := c.Etcd.Credentials()
	if err != nil {
		return registry{}, unreachable(err)
	}
	r, err := etcd.Open(etcd.Config{Endpoints: c.Etcd.Endpoints, Prefix: c.Etcd.Prefix, TLS: credentials}, fence)
	if err != nil {
		return registry{}, unreachable(err)
	}
	return registry{r, r.Close}, nil
}

func unreachable(err error) error {
	return &messages.Failure{
		Code: messages.CodeInvalidRequest, What: "etcd cannot be used as it is configured", Do: "look at cluster.etcd.endpoints and at the files of cluster.etcd.tls", Cause: err,
	}
}

// oneDatabase is a fault of the configuration: only PostgreSQL's own table of members
// is known to all databases of a store.
func oneDatabase(c cluster.Config, s StoreConfig) error {
	if c.Enabled && c.Registry == cluster.RegistryEtcd && len(s.Postgres.Databases) > 0 {
		return errors.New("cluster.registry is etcd and store.postgres.databases is set: servers whose conversations are in several databases meet in PostgreSQL, so take one of them out")
	}
	return nil
}
