package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "example.com/parley/"

// mayImport is the import picture of docs/architecture.md: the parts meet in cmd
// and nowhere else.
var mayImport = map[string][]string{
	"messages":    {},
	"actors":      {"messages"},
	"http":        {"messages"},
	"persistence": {"messages"},
	"cluster":     {"messages"},
	"bench":       {"messages", "actors"}, // the latter as TestBenchKnowsOnlyTheWire says
	"cmd":         {"messages", "actors", "http", "persistence", "cluster"},
}

// onlyIn says which parts a library may be used in: a trailing slash stands for
// everything below. What is not listed may be used anywhere.
var onlyIn = map[string][]string{
	"github.com/asynkron/protoactor-go/": {"actors", "cluster", "cmd", "bench/cache"},
	"google.golang.org/grpc":             {"persistence/etcd"},
	"github.com/gofiber/":                {"http", "bench"},
	"github.com/jackc/pgx/":              {"persistence/postgres", "persistence/persistencetest"},
	"modernc.org/sqlite":                 {"persistence/sqlite"},
	"github.com/redis/":                  {"persistence/redis"},
	"go.etcd.io/etcd/":                   {"persistence/etcd"},
	"go.uber.org/zap":                    {"persistence/etcd"},
	"github.com/knadh/koanf/":            {"cmd"},
	"github.com/spf13/":                  {"cmd"},
	"go.yaml.in/yaml/":                   {"cmd", "actors/tenant"},
}

// imports returns what each package of the module imports, its tests apart.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...")
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		importer, imported, _ := strings.Cut(strings.TrimSpace(line), " ")
		found[strings.TrimPrefix(importer, module)] = strings.Fields(imported)
	}
	return found
}

func TestPartsImportOneWay(t *testing.T) {
	t.Parallel()
	for importer, imported := range imports(t) {
		from := strings.Split(importer, "/")
		for _, path := range imported {
			path, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			to := strings.Split(path, "/")
			switch {
			case to[0] != from[0]:
				if !slices.Contains(mayImport[from[0]], to[0]) {
					t.Errorf("%s imports %s: declare an interface where it is used, and wire it in cmd", importer, path)
				}
			case from[0] == "actors" && len(from) > 1 && from[1] != to[1] && from[1] != "actortest":
				t.Errorf("%s imports %s: actors know each other by messages alone", importer, path)
			}
		}
	}
}

// Lookups in the cache take microseconds, which cannot be timed from outside: its
// benchmark alone reaches in.
func TestBenchKnowsOnlyTheWire(t *testing.T) {
	t.Parallel()
	for importer, imported := range imports(t) {
		if !strings.HasPrefix(importer, "bench/") {
			continue
		}
		for _, path := range imported {
			path, ours := strings.CutPrefix(path, module)
			within := strings.HasPrefix(importer, "bench/cache") && strings.HasPrefix(path, "actors/cache")
			if ours && !within && !strings.HasPrefix(path, "messages") && !strings.HasPrefix(path, "bench") {
				t.Errorf("%s imports %s: it drives the binary from outside", importer, path)
			}
		}
	}
}

func TestLibrariesStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	for importer, imported := range imports(t) {
		for _, path := range imported {
			for library, parts := range onlyIn {
				within := func(part string) bool { return importer == part || strings.HasPrefix(importer, part+"/") }
				if strings.HasPrefix(path, library) && !slices.ContainsFunc(parts, within) {
					t.Errorf("%s imports %s, which belongs to %s", importer, path, strings.Join(parts, ", "))
				}
			}
		}
	}
}

func TestVocabularyNeedsTheStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	for _, path := range imports(t)["messages"] {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
			t.Errorf("messages imports %s", path)
		}
	}
}
