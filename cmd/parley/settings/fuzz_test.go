package settings_test

import (
	"path/filepath"
	"strings"
	"testing"

	"example.com/parley/cmd/parley/settings"
)

// Whatever the file holds, loading ends, without a panic, and a fault names its
// source.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"", "http:\n  listen: a\n", "rules: &a\n  - *a\n", "http: {listen: ${X}}", "- a\n- b", "models: {a: [b, c]}",
		"providers:\n  x:\n    level: low\n    api_key_file: /nowhere\n", "? [a]\n: b\n", "<<: {a: b}\n", "http:\n\tx: 1\n",
		"a: &x {b: *x}\n", "!!binary aGk=: x\n", "http: !!set {a, b}\n", "\xff\xfe", "http: null\nstore: ~\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		path := filepath.Join(t.TempDir(), "app.yaml")
		write(t, path, content)
		c := defaults()
		err := settings.Load(&c, settings.Sources{Prefix: "APP_", File: path}).Report(nil)
		if err == nil {
			return
		}
		for _, fault := range strings.Split(err.Error(), "\n") {
			if !strings.HasPrefix(fault, path) {
				t.Errorf("%q does not say where", fault)
			}
		}
	})
}

// Whatever a variable holds, loading ends without a panic.
func FuzzVariable(f *testing.F) {
	for _, seed := range []string{
		"APP_HTTP_LISTEN=x", "APP_MODELS={a: [b]}", "APP_PROVIDERS_A_B_API_KEY=x", "APP_=x", "APP__=_", "APP_HTTP=[", "APP_RULES=&a [*a]",
		"APP_PROVIDERS_BUILT_IN={}", "APP_PROVIDERS___WAIT=1s", "APP_MODELS_=a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, variable string) {
		c := defaults()
		_ = settings.Load(&c, settings.Sources{Prefix: "APP_", Environment: []string{variable}}).Report(nil)
	})
}
