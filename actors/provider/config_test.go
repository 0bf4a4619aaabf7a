package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/provider"
)

func TestCompleteFillsInWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	given := provider.Config{
		"openai":    {APIKey: "k"},
		"anthropic": {APIKey: "k", BaseURL: "http://127.0.0.1:9/"},
		"local":     {BaseURL: "http://127.0.0.1:11434/v1/", Stall: time.Hour},
		"claude":    {Kind: provider.KindAnthropic, APIKey: "k"},
	}
	whole := given.Complete()
	for name, want := range map[string]struct {
		kind provider.Kind
		url  string
	}{
		"openai":    {provider.KindOpenAI, "https://api.openai.com/v1"},
		"anthropic": {provider.KindAnthropic, "http://127.0.0.1:9"},
		"local":     {provider.KindOpenAI, "http://127.0.0.1:11434/v1"},
		"claude":    {provider.KindAnthropic, "https://api.anthropic.com"},
		"simulated": {provider.KindSimulated, ""},
	} {
		if got := whole[name]; got.Kind != want.kind || got.BaseURL != want.url || got.Weight != 1 || got.MaxConns == 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if whole["local"].Stall != time.Hour {
		t.Error("what was given was replaced")
	}
	if given["local"].Kind != "" || len(given) != 4 {
		t.Error("what was given was changed")
	}
	if err := given.Validate(); err != nil {
		t.Errorf("it has faults: %v", err)
	}
}

func TestConfigFaultsNameTheKeyAndHideTheSecret(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		provider string
		settings provider.Settings
		says     string
	}{
		"a name with a slash":       {"a/b", provider.Settings{}, `providers."a/b": give a provider a name`},
		"an unknown kind":           {"p", provider.Settings{Kind: "gemini"}, `providers.p.kind is "gemini": give openai`},
		"no key where one is due":   {"openai", provider.Settings{}, "providers.openai.api_key is empty"},
		"no key at the other":       {"anthropic", provider.Settings{}, "providers.anthropic.api_key is empty"},
		"no address":                {"p", provider.Settings{BaseURL: "localhost:11434"}, "providers.p.base_url is not an address"},
		"a password in the address": {"p", provider.Settings{BaseURL: "http://u:" + secretKey + "@host/v1"}, "providers.p.base_url is not an address"},
		"a key in the address":      {"p", provider.Settings{BaseURL: "http://host/v1?key=" + secretKey}, "providers.p.base_url is not an address"},
		"a key of two lines":        {"p", provider.Settings{BaseURL: "http://host", APIKey: secretKey + "\n"}, "providers.p.api_key has a line break"},
		"a header that is none":     {"p", provider.Settings{BaseURL: "http://host", AuthHeader: "api key"}, "providers.p.auth_header"},
		"a header of two lines":     {"p", provider.Settings{BaseURL: "http://host", Headers: map[string]string{"X": secretKey + "\r\nY: z"}}, "providers.p.headers.X cannot be sent"},
		"a version that is none":    {"p", provider.Settings{BaseURL: "http://host", APIVersion: "1&x=y"}, "providers.p.api_version"},
		"a negative time":           {"p", provider.Settings{BaseURL: "http://host", Stall: -1}, "providers.p.stall_timeout is -1ns"},
		"no weight":                 {"p", provider.Settings{BaseURL: "http://host", Weight: -1}, "providers.p.weight is -1"},
		"too many connections":      {"p", provider.Settings{BaseURL: "http://host", MaxConns: 1 << 20}, "providers.p.max_connections"},
		"no room for a reply":       {"p", provider.Settings{BaseURL: "http://host", MaxReply: 1}, "providers.p.max_reply is 1"},
		"no failures":               {"p", provider.Settings{BaseURL: "http://host", Failures: -1}, "providers.p.breaker_failures"},
		"a limit below the first":   {"p", provider.Settings{BaseURL: "http://host", Open: time.Hour, MaxOpen: time.Minute}, "providers.p.breaker_max_interval"},
		"a pace that is none":       {"simulated", provider.Settings{TokenPause: -1}, "providers.simulated.token_interval"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := provider.Config{tt.provider: tt.settings}
			err := cfg.Validate()
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %v, want it to say %q", err, tt.says)
			}
			if strings.Contains(err.Error(), secretKey) {
				t.Errorf("the secret is in %v", err)
			}
			if _, err := provider.New(cfg, provider.Deps{Registerer: prometheus.NewRegistry()}); err == nil {
				t.Error("it was taken all the same")
			}
		})
	}
}

func TestAuthoritiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for file, says := range map[string]string{
		"/nowhere/ca.pem": "providers.p.ca_file", "config_test.go": "there is no certificate in config_test.go",
	} {
		cfg := provider.Config{"p": {BaseURL: "https://host", CAFile: file}}
		_, err := provider.New(cfg, provider.Deps{Registerer: prometheus.NewRegistry()})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want it to say %q", err, says)
		}
	}
}

func TestVariablesAreThoseOfTheSDKs(t *testing.T) {
	t.Parallel()
	for variable, key := range provider.Variables() {
		kind, what, ok := strings.Cut(strings.TrimPrefix(key, "providers."), ".")
		if want := strings.ToUpper(kind + "_" + what); !ok || variable != want {
			t.Errorf("%s sets %s", variable, key)
		}
	}
}
