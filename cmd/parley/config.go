package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"example.com/parley/actors"
	"example.com/parley/actors/provider"
	"example.com/parley/actors/router"
	"example.com/parley/cmd/parley/settings"
)

// Config is the whole configuration: a section for each package, which the
// package that uses it keeps, with its defaults and its faults.
type Config struct {
	Data string `koanf:"data"` // folder of everything that the server keeps
	Demo bool   `koanf:"demo"` // the simulated model answers to any name; for trying things out

	Providers provider.Config `koanf:"providers"` // whom to call, by a name of your own
	Models    router.Config   `koanf:"models"`    // public names, each with the places that answer to it, best first

	actors.Config `koanf:",squash"`

	Log LogConfig `koanf:"log"`
}

// DefaultConfig is what `parley serve` uses when told nothing.
func DefaultConfig() Config {
	return Config{
		Data:      "data",
		Providers: provider.DefaultConfig(), Models: router.DefaultConfig(),
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
		c.Providers.Validate(), c.Models.Validate(routed(c.Providers)),
		c.Config.Validate(), c.Log.Validate(),
	)
}

// variablePrefix begins the names of the variables that set keys.
const variablePrefix = "PARLEY_"

// routed is what the router has to know of the providers.
func routed(providers provider.Config) []router.Provider {
	var known []router.Provider
	for _, name := range slices.Sorted(maps.Keys(providers)) {
		p := providers[name]
		known = append(known, router.Provider{
			Name: name, Kind: string(p.Kind), Models: p.Models, Weight: p.Weight, Simulated: p.Kind == provider.KindSimulated,
		})
	}
	return known
}

// The variables with the prefix that are no keys: what they hold is not kept in
// a configuration, or says where that is.
const (
	configVariable    = "PARLEY_CONFIG"        // the configuration file, as --config
	bootstrapVariable = "PARLEY_BOOTSTRAP_KEY" // becomes the first tenant's key
	adminKeyVariable  = "PARLEY_ADMIN_KEY"     // what commands show to a running server
)

// noKey tells of variables that set no key and are no mistake either: those
// above, those of the tests, and those that Kubernetes and Docker set for a
// service that is called parley.
func noKey(name string) bool {
	switch strings.TrimSuffix(name, "_FILE") {
	case configVariable, bootstrapVariable, adminKeyVariable:
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
	if file == "" {
		file = variable(environment, configVariable)
	}
	if _, err := os.Stat(defaultFile); file == "" && !errors.Is(err, fs.ErrNotExist) {
		file = defaultFile
	}
	cfg := DefaultConfig()
	loaded := settings.Load(&cfg, settings.Sources{
		Shared: provider.Variables(), File: file, Prefix: variablePrefix, Ignored: noKey,
		Environment: environment, Flags: flags,
	})
	cfg.complete()
	return &cfg, loaded, loaded.Report(cfg.Validate())
}

// complete fills in what follows from other keys.
func (c *Config) complete() {
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
