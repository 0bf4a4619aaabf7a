package http_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	parleyhttp "example.com/parley/http"
)

func TestTheDefaultsAreValid(t *testing.T) {
	t.Parallel()
	if err := parleyhttp.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

func TestConfigNamesEachFaultByItsKey(t *testing.T) {
	t.Parallel()
	for key, change := range map[string]func(*parleyhttp.Config){
		"http.listen":          func(c *parleyhttp.Config) { c.Listen = "8080" },
		"http.max_body":        func(c *parleyhttp.Config) { c.MaxBody = 0 },
		"http.max_headers":     func(c *parleyhttp.Config) { c.MaxHeaders = 1 << 20 },
		"http.read_timeout":    func(c *parleyhttp.Config) { c.ReadTimeout = 0 },
		"http.idle_timeout":    func(c *parleyhttp.Config) { c.IdleTimeout = -1 },
		"http.turn_timeout":    func(c *parleyhttp.Config) { c.TurnTimeout = 48 * time.Hour },
		"http.drain_timeout":   func(c *parleyhttp.Config) { c.DrainTimeout = 601 * time.Second },
		"http.write_stall":     func(c *parleyhttp.Config) { c.WriteStall = 0 },
		"http.trusted_proxies": func(c *parleyhttp.Config) { c.TrustedProxies = []string{"10.0.0.0/8", "proxy.local"} },
	} {
		c := parleyhttp.DefaultConfig()
		change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", key, err)
		}
		if _, err := parleyhttp.NewServer(c, parleyhttp.Deps{Registerer: prometheus.NewRegistry()}); err == nil {
			t.Errorf("%s: a server was made of it", key)
		}
	}
}

func TestConfigReportsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	if err := (parleyhttp.Config{}).Validate(); err == nil || strings.Count(err.Error(), "\n") < 5 {
		t.Errorf("%v", err)
	}
}
