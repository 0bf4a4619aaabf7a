package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// The providers that do not fail. Both are one fake of Anthropic's: one is what
// takes over, the other what a fault is compared with.
const (
	spare   = "spare"
	healthy = "healthy"
)

// never is more failures in a row than there are requests.
const never = 1_000_000

// configuration is the lines of the server's configuration.
type configuration []string

func (c *configuration) add(format string, arguments ...any) {
	*c = append(*c, fmt.Sprintf(format, arguments...))
}

// configure names every provider and every model that a run asks.
func (b *bench) configure(authorities string) string {
	c := new(configuration)
	c.add("providers:")
	for _, name := range []string{spare, healthy} {
		c.add("  %s: {kind: %s, base_url: %q, api_key: fake}", name, anthropic, "http://"+b.spare.Address())
	}
	for _, s := range b.sites {
		c.failing(s, closed, never, openInterval, authorities)
		c.failing(s, open, 0, openInterval, authorities)
		c.failing(s, heal, 0, healInterval, authorities)
		c.failing(s, continued, never, openInterval, authorities)
	}
	c.add("outliers: {max_percent: 0}") // a provider that fails shall be called as long as its breaker lets it
	c.add("models:")
	c.add("  %s: [{target: %s/%s}]", healthy, healthy, healthy)
	for _, s := range b.sites {
		for _, of := range []state{closed, open, heal, continued} {
			for n := range modelsOf(&s.fault, of, b.requests) {
				c.route(&s.fault, of, n)
			}
		}
	}
	return strings.Join(*c, "\n") + "\n"
}

// failing adds the provider of a site in a state. failures open its breaker; 0 is
// the default.
func (c *configuration) failing(s *site, of state, failures int, interval time.Duration, authorities string) {
	c.add("  %s:", s.fault.provider(of))
	c.add("    kind: %s", cmp.Or(s.fault.kind, "openai"))
	c.add("    base_url: %q", s.url())
	c.add("    api_key: fake")
	c.add("    connect_timeout: %s", connectLimit)
	c.add("    first_byte_timeout: %s", beginLimit)
	c.add("    stall_timeout: %s", stallLimit)
	c.add("    max_reply: %d", replyLimit)
	c.add("    breaker_interval: %s", interval)
	c.add("    breaker_max_interval: %s", openInterval)
	if failures > 0 {
		c.add("    breaker_failures: %d", failures)
		c.add("    breaker_least_calls: %d", failures)
	}
	if s.trusted != nil {
		c.add("    ca_file: %q", authorities)
	}
}

// route adds a model that the spare takes over.
func (c *configuration) route(f *fault, of state, n int) {
	model := modelOf(f, of, n)
	c.add("  %s: [{target: %s/%s}, {target: %s/%s}]", model, f.provider(of), model, spare, model)
}

// modelOf is the model that the n-th request of a state asks for, by which
// everything about it is billed too.
func modelOf(f *fault, of state, n int) string {
	if f.apart && of == closed {
		return fmt.Sprintf("%s-%d", f.provider(of), n)
	}
	return f.provider(of)
}

// modelsOf is how many models a state has.
func modelsOf(f *fault, of state, requests int) int {
	if f.apart && of == closed {
		return requests
	}
	return 1
}
