package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"example.com/parley/actors/provider"
	"example.com/parley/actors/tenant"
)

// greeting is what a server says to whoever started it, on standard output. It
// is the one place that prints a key, on the start that made it.
type greeting struct {
	url   string // of the API, as this machine reaches it
	admin string
	data  folder
	model string // to try it with
	demo  bool
	first first
}

func newGreeting(cfg *Config, s sockets, f first) greeting {
	return greeting{
		url: "http://" + reachable(s.public.Addr()), admin: reachable(s.private.Addr()), data: folder(cfg.Data),
		model: modelToTry(cfg), demo: cfg.Demo, first: f,
	}
}

// reachable is the address that a client on this machine uses.
func reachable(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return address.String()
	}
	return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
}

// modelToTry is a model that answers: a public name, or one of the kind of
// provider that there is.
func modelToTry(cfg *Config) string {
	if names := slices.Sorted(maps.Keys(cfg.Models)); len(names) > 0 {
		return names[0]
	}
	examples := []struct{ kind, model string }{{"openai", "gpt-5-mini"}, {"anthropic", "claude-haiku-4-5"}}
	for _, example := range examples {
		if p, ok := cfg.Providers[example.kind]; ok && string(p.Kind) == example.kind {
			if len(p.Models) > 0 {
				return example.kind + "/" + p.Models[0]
			}
			return example.model
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Providers)) {
		if p := cfg.Providers[name]; len(p.Models) > 0 {
			return name + "/" + p.Models[0]
		}
	}
	return provider.Simulated + "/hello"
}

// lastGreeting begins the last line.
const lastGreeting = "Keys:"

// show writes the greeting. A key that was revoked since is as good as none.
func (g greeting) show(ctx context.Context, w io.Writer, keys *tenant.Keys) {
	key := g.first.from
	if _, err := keys.Authenticate(ctx, g.first.key.Reveal()); err != nil {
		key = ""
	} else if g.first.from == "" {
		key = g.first.key.Reveal()
	}
	_, _ = io.WriteString(w, g.text(key)) // who closed the output does not want to read it
}

// text is the greeting with a key that works, or without one where there is
// none.
func (g greeting) text(key string) string {
	var out strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	say("Parley listens on %s, and for operators on http://%s.", g.url, g.admin)
	if g.demo {
		say("Demo: the simulated model answers to any name. With OPENAI_API_KEY or ANTHROPIC_API_KEY set, real ones do.")
	}
	more := "parley key create" + g.dataFlag()
	if key == "" {
		say("")
		say("%s the first tenant's key is not known here; another one: %s", lastGreeting, more)
		return out.String()
	}
	say("")
	say("Ask it something:")
	say(`  curl %s/v1/chat/completions -H "Authorization: Bearer %s" -H "Content-Type: application/json" -d '{"model": "%s", "messages": [{"role": "user", "content": "Hello!"}]}'`,
		g.url, key, g.model)
	say("Point an OpenAI SDK at it:")
	say(`  export OPENAI_BASE_URL=%s/v1 OPENAI_API_KEY="%s"`, g.url, key)
	say("")
	say("%s %s; another one: %s", lastGreeting, g.whereKeysAre(), more)
	return out.String()
}

func (g greeting) whereKeysAre() string {
	if strings.HasPrefix(g.first.from, "$P") {
		return fmt.Sprintf("the first tenant's is that of %s, the admin key is in %s", bootstrapVariable, g.data.file(adminKeyFile))
	}
	return fmt.Sprintf("the first tenant's is in %s, the admin key in %s", g.data.file(firstKeyFile), g.data.file(adminKeyFile))
}

// dataFlag is what a command needs to find the server.
func (g greeting) dataFlag() string {
	if string(g.data) == DefaultConfig().Data {
		return ""
	}
	return " --data " + shellQuote(string(g.data))
}

// shellQuote writes a path so that a shell takes it as it is, from any folder.
func shellQuote(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	plain := func(c rune) bool {
		return c == '/' || c == '.' || c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	if !strings.ContainsFunc(path, func(c rune) bool { return !plain(c) }) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
