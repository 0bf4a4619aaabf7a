package provider

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// A provider's name stands in model names, metrics and headers.
var providerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

var headerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)

// Validate reports every fault at once. Nothing secret is in what it says.
func (c Config) Validate() error {
	var faults []error
	if len(c) > maxProviders {
		faults = append(faults, fmt.Errorf("providers has %d entries: give at most %d", len(c), maxProviders))
	}
	for _, name := range c.names() {
		if !providerName.MatchString(name) {
			faults = append(faults, fmt.Errorf("providers.%q: give a provider a name of at most 64 letters, digits, dots, dashes and underscores", name))
			continue
		}
		s := c[name].complete(name)
		faults = append(faults, s.faults("providers."+name)...)
	}
	return errors.Join(faults...)
}

func (s *Settings) faults(section string) (faults []error) {
	require := func(ok bool, key, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("%s.%s "+format, append([]any{section, key}, args...)...))
		}
	}
	switch s.Kind {
	case KindOpenAI, KindAnthropic:
		s.requireAddress(require)
	case KindSimulated:
		require(s.FirstToken > 0, "first_token", "is %s: give a duration above 0, such as 50ms", s.FirstToken)
		require(s.TokenPause > 0, "token_interval", "is %s: give a duration above 0, such as 20ms", s.TokenPause)
	default:
		require(false, "kind", "is %q: give openai (which most servers speak), anthropic or simulated", string(s.Kind))
	}
	s.requireLimits(require)
	return faults
}

type requirement = func(ok bool, key, format string, args ...any)

func (s *Settings) requireAddress(require requirement) {
	official := s.BaseURL == officialURLs[s.Kind]
	require(!official || s.keys()[0] != "", "api_key", "is empty: give the key for %s, or the base_url of a server that needs none", s.BaseURL)
	require(plainURL(s.BaseURL), "base_url",
		"is not an address: give one such as %s, without user name, query and fragment", officialURLs[s.Kind])
	require(s.AuthHeader == "" || headerName.MatchString(s.AuthHeader), "auth_header", "is %q: give the name of a header, such as api-key", s.AuthHeader)
	require(printable(s.APIKey), "api_key", "has a line break or another character that no header can carry: check how it was pasted")
	require(len(s.APIKeys) < maxKeys, "api_keys", "has %d keys: give fewer than %d", len(s.APIKeys), maxKeys)
	for _, key := range s.APIKeys {
		require(key != "" && printable(key), "api_keys", "has an empty key, or one with a line break or another character that no header can carry: check how they were pasted")
	}
	require(printable(s.APIVersion) && !strings.ContainsAny(s.APIVersion, "&# "), "api_version", "is %q: give a version such as 2024-10-21", s.APIVersion)
	for name, value := range s.Headers {
		require(headerName.MatchString(name) && printable(value), "headers."+name, "cannot be sent: give a header's name and one line of text")
	}
}

func (s *Settings) requireLimits(require requirement) {
	require(s.Weight >= 1 && s.Weight <= 100, "weight", "is %d: give a number from 1 to 100", s.Weight)
	require(s.MaxConns >= 1 && s.MaxConns <= 65536, "max_connections", "is %d: give a number from 1 to 65536", s.MaxConns)
	require(s.MaxConcurrency >= 0 && (s.MaxConcurrency <= s.MaxConns || s.Kind == KindSimulated), "max_concurrency",
		"is %d: give at most max_connections, which is %d, or 0 to have the number found out", s.MaxConcurrency, s.MaxConns)
	require(s.LimitMin >= 1 && s.LimitMin <= s.MaxConns, "limit_min", "is %d: give a number from 1 to max_connections, which is %d", s.LimitMin, s.MaxConns)
	require(s.LimitInitial >= s.LimitMin && s.LimitInitial <= s.MaxConns, "limit_initial",
		"is %d: give a number from limit_min, which is %d, to max_connections, which is %d", s.LimitInitial, s.LimitMin, s.MaxConns)
	require(s.LimitTolerance > 1, "limit_tolerance", "is %g: give a factor above 1, such as 2", s.LimitTolerance)
	require(s.MaxReply >= 1024, "max_reply", "is %d: give at least 1024 bytes", s.MaxReply)
	require(s.Failures >= 1, "breaker_failures", "is %d: give a number above 0, such as 5", s.Failures)
	require(s.LeastCalls >= 1, "breaker_least_calls", "is %d: give a number above 0, such as 20", s.LeastCalls)
	require(s.Ratio > 0 && s.Ratio <= 1, "breaker_ratio", "is %g: give a share above 0 and up to 1, such as 0.5", s.Ratio)
	require(s.MaxOpen >= s.Open, "breaker_max_interval", "is %s: give at least breaker_interval, which is %s", s.MaxOpen, s.Open)
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"idle_timeout", s.IdleAfter},
		{"connect_timeout", s.Connect},
		{"first_byte_timeout", s.FirstByte},
		{"stall_timeout", s.Stall},
		{"reply_timeout", s.WholeReply},
		{"breaker_window", s.Window},
		{"breaker_interval", s.Open},
	} {
		require(d.value > 0, d.key, "is %s: give a duration above 0, such as 30s", d.value)
	}
	require(s.Total >= 0, "total_timeout", "is %s: give a duration such as 5m, or 0 for none", s.Total)
	for model, t := range s.ModelTimeouts {
		least := min(t.FirstByte, t.Stall, t.WholeReply, t.Total)
		require(least >= 0, "model_timeouts."+model, "has %s: give durations above 0, such as 30s", least)
	}
}

// plainURL tells whether address is one to which paths can be appended, with no
// secrets in it that an error would show.
func plainURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// printable tells whether a header can carry text.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
