package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"example.com/parley/actors"
	"example.com/parley/actors/budget"
	"example.com/parley/actors/provider"
	"example.com/parley/actors/router"
	"example.com/parley/actors/tenant"
	"example.com/parley/cluster"
	"example.com/parley/cluster/edge"
	"example.com/parley/cmd/parley/settings"
	parleyhttp "example.com/parley/http"
	"example.com/parley/http/admin"
	"example.com/parley/persistence/redis"
	"example.com/parley/persistence/spool"
)

// Config is the whole configuration: a section for each package, which the
// package that uses it keeps, with its defaults and its faults.
type Config struct {
	Data string `koanf:"data"` // folder of everything that the server keeps
	Demo bool   `koanf:"demo"` // the simulated model answers to any name; for trying things out

	HTTP           parleyhttp.Config      `koanf:"http"`
	Admin          admin.Config           `koanf:"admin"`
	Store          StoreConfig            `koanf:"store"`
	Cluster        cluster.Config         `koanf:"cluster"`
	Edge           edge.Config            `koanf:"edge"`
	Ledger         spool.Config           `koanf:"ledger"`
	Budgets        budget.Config          `koanf:"budgets"`
	Redis          redis.Config           `koanf:"redis"`
	Keys           tenant.Config          `koanf:"keys"`
	Limits         tenant.LimitConfig     `koanf:"limits"`
	Prices         tenant.PriceConfig     `koanf:"prices"` // of your own, before those that Parley knows, by model or provider/model; a * at the end stands for all that begin so, and an @ and a day begins a price that holds from then on
	Retention      tenant.RetentionConfig `koanf:"retention"`
	Providers      provider.Config        `koanf:"providers"` // whom to call, by a name of your own
	ProvidersAdmin provider.AdminConfig   `koanf:"providers_admin"`
	Outliers       provider.OutlierConfig `koanf:"outliers"`
	Models         router.Config          `koanf:"models"` // public names, each with the places that answer to it, best first

	actors.Config `koanf:",squash"`

	Log LogConfig `koanf:"log"`
}

// DefaultConfig is what `parley serve` uses when told nothing.
func DefaultConfig() Config {
	return Config{
		Data: "data",
		HTTP: parleyhttp.DefaultConfig(), Admin: admin.DefaultConfig(),
		Budgets: budget.DefaultConfig(),
		Store:   DefaultStoreConfig(), Cluster: cluster.DefaultConfig(), Edge: edge.DefaultConfig(), Ledger: spool.DefaultConfig(), Redis: redis.DefaultConfig(), Keys: tenant.DefaultConfig(), Limits: tenant.DefaultLimitConfig(), Retention: tenant.DefaultRetentionConfig(),
		Providers: provider.DefaultConfig(), Outliers: provider.DefaultOutlierConfig(), Models: router.DefaultConfig(),
		Config: actors.DefaultConfig(),
		Log:    DefaultLogConfig(),
	}
}

// Validate reports the faults of all sections together.
func (c *Config) Validate() error {
	var data error
	if c.Data == "" {
		data = errors.New("data is empty: name a folder, such as ./data")
	}
	return errors.Join(
		data,
		c.HTTP.Validate(), c.Admin.Validate(), ownAddress(c.Providers, c.HTTP.Listen),
		c.Budgets.Validate(),
		c.Store.Validate(), c.Cluster.Validate(), joinable(c.Cluster, c.Store), oneDatabase(c.Cluster, c.Store), c.Edge.Validate(c.Cluster.TLS != cluster.TLSConfig{}), apart(c), c.Ledger.Validate(), c.Redis.Validate(), c.Keys.Validate(), c.Limits.Validate(), c.Prices.Validate(), c.Retention.Validate(),
		c.Providers.Validate(), c.Outliers.Validate(), c.Models.Validate(routed(c.Providers)),
		c.Config.Validate(), c.Log.Validate(),
	)
}

// ownAddress finds providers that are this server itself: whoever exported
// OPENAI_BASE_URL for an SDK, and then starts a server from the same shell, would
// have it call itself for ever.
func ownAddress(providers provider.Config, own string) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(providers)) {
		base, err := url.Parse(providers[name].BaseURL)
		if err == nil && samePlace(base.Host, own) {
			faults = append(faults, fmt.Errorf("providers.%s.base_url is %q, where this server itself listens: give the provider's address, or unset what sets it",
				name, providers[name].BaseURL))
		}
	}
	return errors.Join(faults...)
}

// samePlace tells whether a client that connects to one address reaches a server
// on this machine that listens on the other.
func samePlace(connected, listened string) bool {
	host, port, err := net.SplitHostPort(connected)
	own, ownPort, ownErr := net.SplitHostPort(listened)
	if err != nil || ownErr != nil || port != ownPort || port == "0" {
		return false
	}
	return host == own || local(host) && (own == "" || local(own))
}

// local tells whether a host is this machine, by its name or address alone.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// variablePrefix begins the names of the variables that set keys.
const variablePrefix = "PARLEY_"

// The variables with the prefix that are no keys: what they hold is not kept in
// a configuration, or says where that is.
const (
	configVariable    = "PARLEY_CONFIG"        // the configuration file, as --config
	bootstrapVariable = "PARLEY_BOOTSTRAP_KEY" // becomes the first tenant's key
	adminKeyVariable  = "PARLEY_ADMIN_KEY"     // what commands show to a running server
	clientKeyVariable = "PARLEY_API_KEY"       // what those show that do what any client may
)

// noKey tells of variables that set no key and are no mistake either: those
// above, those of the tests, and those that Kubernetes and Docker set for a
// service that is called parley.
func noKey(name string) bool {
	if name == configVariable {
		return true
	}
	switch strings.TrimSuffix(name, "_FILE") {
	case bootstrapVariable, adminKeyVariable, clientKeyVariable:
		return true
	}
	ambient := []string{"PARLEY_TEST_", "PARLEY_SERVICE_HOST", "PARLEY_SERVICE_PORT", "PARLEY_PORT_", "PARLEY_ENV_"}
	return name == "PARLEY_PORT" || name == "PARLEY_NAME" ||
		slices.ContainsFunc(ambient, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// defaultFile is read where it exists and no other is named.
const defaultFile = "parley.yaml"

// loadConfig reads the configuration from all sources. It returns it whole
// even with an error, which names every fault.
func loadConfig(file string, environment []string, flags []settings.Flag) (*Config, *settings.Loaded, error) {
	file = configFile(file, environment)
	cfg := DefaultConfig()
	loaded := settings.Load(&cfg, settings.Sources{
		Shared: provider.Variables(), File: file, Prefix: variablePrefix, Ignored: noKey,
		Environment: environment, Flags: flags,
	})
	cfg.complete()
	return &cfg, loaded, loaded.Report(cfg.Validate())
}

// configFile returns the file that is read: the one that a flag or the
// environment names, or the default where it exists; else none.
func configFile(flag string, environment []string) string {
	if named := cmp.Or(flag, variable(environment, configVariable)); named != "" {
		return named
	}
	if _, err := os.Stat(defaultFile); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return defaultFile
}

// complete fills in what follows from other keys.
func (c *Config) complete() {
	in := folder(c.Data)
	c.Store.SQLite.Path = cmp.Or(c.Store.SQLite.Path, in.file("parley.db"))
	c.Ledger.Folder = cmp.Or(c.Ledger.Folder, in.file("ledger"))
	c.Providers = c.Providers.Complete()
}

// variable returns the value of a variable, "" where it is not set.
func variable(environment []string, name string) string {
	for _, pair := range environment {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}
