package provider

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Kind says which dialect a provider speaks.
type Kind string

// The kinds. Most servers in the world speak OpenAI's.
const (
	KindOpenAI    Kind = "openai"
	KindAnthropic Kind = "anthropic"
	KindSimulated Kind = "simulated" // no network: Parley itself answers
)

// Simulated is the name of the provider that is always there.
const Simulated = "simulated"

// Config is the section "providers": whom to call, by the name that the
// operator gives them. The name is the first half of provider/model.
type Config map[string]Settings

// Settings describe one provider. What is left out gets its value from
// [Config.Complete].
type Settings struct {
	Kind           Kind                `koanf:"kind"`                   // openai (as most servers speak), anthropic or simulated; left out, it is the name where that is one of them, else openai
	BaseURL        string              `koanf:"base_url"`               // as the SDKs take it: with /v1 for openai, without for anthropic
	APIKey         string              `koanf:"api_key" secret:"true"`  // none is sent where none is given
	APIKeys        []string            `koanf:"api_keys" secret:"true"` // further keys: calls go round, and one that the provider limits is left alone for as long as it says
	AuthHeader     string              `koanf:"auth_header"`            // header that takes the bare key, such as api-key for Azure; left out, the key goes where the kind wants it
	APIVersion     string              `koanf:"api_version"`            // anthropic-version; for openai the api-version of the query, as older deployments on Azure want it
	Headers        map[string]string   `koanf:"headers" secret:"true"`  // sent with each call besides
	CAFile         string              `koanf:"ca_file"`                // PEM file of the authorities to trust instead of the system's
	Models         []string            `koanf:"models"`                 // offered by their bare names; any other is still called as provider/model
	Weight         int                 `koanf:"weight"`                 // share of the calls among providers that list the same model
	MaxConns       int                 `koanf:"max_connections"`        // one for each running call
	MaxConcurrency int                 `koanf:"max_concurrency"`        // calls at once; 0 to find out how many it takes well, up to max_connections
	LimitInitial   int                 `koanf:"limit_initial"`          // where max_concurrency is 0: calls at once at first
	LimitMin       int                 `koanf:"limit_min"`              // and at least, however slow it becomes
	LimitTolerance float64             `koanf:"limit_tolerance"`        // times the usual wait for a first byte that are no reason to send fewer calls
	IdleAfter      time.Duration       `koanf:"idle_timeout"`           // an unused connection is closed then
	Connect        time.Duration       `koanf:"connect_timeout"`        // for a connection with its TLS, and for one to come free
	FirstByte      time.Duration       `koanf:"first_byte_timeout"`     // for a stream to begin
	Stall          time.Duration       `koanf:"stall_timeout"`          // between two events of a stream
	WholeReply     time.Duration       `koanf:"reply_timeout"`          // for a reply that is not streamed
	Total          time.Duration       `koanf:"total_timeout"`          // for a stream to end; 0 where the turn's own deadline is enough
	ModelTimeouts  map[string]Timeouts `koanf:"model_timeouts"`         // by the provider's name for a model, where the four above are not right for it
	MaxReply       int                 `koanf:"max_reply" unit:"bytes"` // of one reply; a longer one is cut
	Failures       int                 `koanf:"breaker_failures"`       // in a row that open the breaker
	Window         time.Duration       `koanf:"breaker_window"`         // of the calls whose failures are weighed against those that went well
	LeastCalls     int                 `koanf:"breaker_least_calls"`    // within the window; with fewer of them the ratio says nothing
	Ratio          float64             `koanf:"breaker_ratio"`          // of failures within the window that opens the breaker, above 0 and up to 1
	Open           time.Duration       `koanf:"breaker_interval"`       // that it stays open at first; doubled each time the provider fails again
	MaxOpen        time.Duration       `koanf:"breaker_max_interval"`   // that it stays open at most
	FirstToken     time.Duration       `koanf:"first_token"`            // of a simulated provider: how long it seems to think
	TokenPause     time.Duration       `koanf:"token_interval"`         // of a simulated provider: between two tokens

	guarded bool // its address must be on the internet; see address.go
}

// AdminConfig is the section "providers_admin": what operators may set over the
// admin listener while the server runs.
type AdminConfig struct {
	AllowLocal bool `koanf:"allow_local"` // providers may be set at addresses that only this machine, or its network, reaches
}

// DefaultConfig names no provider: the environment and the file do.
func DefaultConfig() Config { return Config{} }

// defaults is what an operator leaves out. Whole replies get the ten minutes of
// the SDKs: their first byte comes with their last.
func defaults() Settings {
	return Settings{
		Weight: 1, MaxConns: 1024, IdleAfter: 90 * time.Second, Connect: time.Second,
		FirstByte: time.Minute, Stall: time.Minute, WholeReply: 10 * time.Minute, MaxReply: 8 << 20,
		Failures: 5, Window: 30 * time.Second, LeastCalls: 20, Ratio: 0.5, Open: 5 * time.Second, MaxOpen: 2 * time.Minute,
		LimitInitial: 256, LimitMin: 8, LimitTolerance: 2,
		FirstToken: 50 * time.Millisecond, TokenPause: 20 * time.Millisecond,
	}
}

// officialURLs is where the kinds are at home.
var officialURLs = map[Kind]string{
	KindOpenAI:    "https://api.openai.com/v1",
	KindAnthropic: "https://api.anthropic.com",
}

// Complete returns the configuration with everything in it that was left out,
// and with the simulated provider. It changes nothing in c.
func (c Config) Complete() Config {
	whole := Config{Simulated: Settings{}.complete(Simulated)}
	for name, s := range c {
		whole[name] = s.complete(name)
	}
	return whole
}

func (s Settings) complete(name string) Settings {
	d := defaults()
	if s.Kind == "" {
		s.Kind = kindNamed(name)
	}
	s.BaseURL = strings.TrimRight(cmp.Or(s.BaseURL, officialURLs[s.Kind]), "/")
	s.Weight, s.MaxConns, s.MaxReply = cmp.Or(s.Weight, d.Weight), cmp.Or(s.MaxConns, d.MaxConns), cmp.Or(s.MaxReply, d.MaxReply)
	s.LimitInitial, s.LimitMin = cmp.Or(s.LimitInitial, min(d.LimitInitial, s.MaxConns)), cmp.Or(s.LimitMin, min(d.LimitMin, s.MaxConns))
	s.LimitTolerance = cmp.Or(s.LimitTolerance, d.LimitTolerance)
	s.IdleAfter, s.Connect = cmp.Or(s.IdleAfter, d.IdleAfter), cmp.Or(s.Connect, d.Connect)
	s.FirstByte, s.Stall, s.WholeReply = cmp.Or(s.FirstByte, d.FirstByte), cmp.Or(s.Stall, d.Stall), cmp.Or(s.WholeReply, d.WholeReply)
	s.Failures, s.Open, s.MaxOpen = cmp.Or(s.Failures, d.Failures), cmp.Or(s.Open, d.Open), cmp.Or(s.MaxOpen, d.MaxOpen)
	s.Window, s.LeastCalls, s.Ratio = cmp.Or(s.Window, d.Window), cmp.Or(s.LeastCalls, d.LeastCalls), cmp.Or(s.Ratio, d.Ratio)
	s.FirstToken, s.TokenPause = cmp.Or(s.FirstToken, d.FirstToken), cmp.Or(s.TokenPause, d.TokenPause)
	return s
}

// policy is that of the provider's breaker.
func (s Settings) policy() policy {
	return policy{
		failures: s.Failures, window: s.Window, calls: s.LeastCalls, share: s.Ratio, open: s.Open, maxOpen: s.MaxOpen,
	}
}

// limits are those between which the number of calls at once is found out.
func (s Settings) limits() limits {
	return limits{
		initial: float64(s.LimitInitial), least: float64(s.LimitMin), most: float64(s.MaxConns), tolerance: s.LimitTolerance,
	}
}

// kindNamed lets a provider that is called like a kind go without saying it.
func kindNamed(name string) Kind {
	switch kind := Kind(name); kind {
	case KindAnthropic, KindSimulated:
		return kind
	default:
		return KindOpenAI
	}
}

// names lists the providers in order.
func (c Config) names() []string { return slices.Sorted(maps.Keys(c)) }

// Variables maps the variables of the providers' own SDKs to the keys of the
// configuration that they set.
func Variables() map[string]string {
	return map[string]string{
		"OPENAI_API_KEY":     "providers.openai.api_key",
		"OPENAI_BASE_URL":    "providers.openai.base_url",
		"ANTHROPIC_API_KEY":  "providers.anthropic.api_key",
		"ANTHROPIC_BASE_URL": "providers.anthropic.base_url",
	}
}
