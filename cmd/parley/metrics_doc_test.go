package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryMetricIsDocumented compares docs/metrics.md with the names in the
// code, both ways.
func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	documented := metricNames(t, filepath.Join(root, "docs", "metrics.md"), regexp.MustCompile("(?m)^\\| `(chatbot_[a-z_]+)`"))
	registered := make(map[string]bool)
	for _, part := range []string{"actors", "cluster", "http", "persistence"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				for name := range metricNames(t, path, regexp.MustCompile(`"(chatbot_[a-z_]+)"`)) {
					registered[name] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(registered) < 10 {
		t.Fatalf("found %d metrics only: is the search right?", len(registered))
	}
	for name := range registered {
		if !documented[name] {
			t.Errorf("%s is not in docs/metrics.md", name)
		}
	}
	for name := range documented {
		if !registered[name] {
			t.Errorf("docs/metrics.md has %s, the code does not", name)
		}
	}
}

func metricNames(t *testing.T, path string, pattern *regexp.Regexp) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(path) // #nosec G304 -- a file of this project
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, match := range pattern.FindAllStringSubmatch(string(text), -1) {
		names[match[1]] = true
	}
	return names
}
