package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/actors/provider"
	"example.com/parley/actors/router"
	"example.com/parley/cmd/parley/settings"
)

var update = flag.Bool("update", false, "write the golden files and docs/configuration.md anew")

// root is the module's folder, seen from this one.
const root = "../.."

// What is between these lines of docs/configuration.md is written by the test.
const (
	referenceBegin = "<!-- keys: written by go generate ./cmd/parley -->\n"
	referenceEnd   = "<!-- end of keys -->\n"
)

//go:generate go test -run TestConfigurationReferenceIsUpToDate|TestConfigPrint -update .

func TestConfigurationReferenceIsUpToDate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(root, "docs", "configuration.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(page), referenceBegin)
	_, after, ends := strings.Cut(rest, referenceEnd)
	if !begins || !ends {
		t.Fatalf("%s has lost the lines that enclose the keys", path)
	}
	golden(t, path, before+referenceBegin+writeReference(t)+referenceEnd+after)
}

// writeReference writes a table for each section.
func writeReference(t *testing.T) string {
	t.Helper()
	defaults := completeDefaults()
	var page strings.Builder
	meanings := make(comments)
	section := "none"
	for _, e := range settings.Reference(&Config{}, variablePrefix) {
		name, _, nested := strings.Cut(e.Key, ".")
		if !nested && e.Owner == reflect.TypeFor[Config]() && !strings.HasPrefix(e.Type, "list") {
			name = "general"
		}
		if name != section {
			section = name
			fmt.Fprintf(&page, "\n### %s\n\n| Key | Takes | Default | Variable | Meaning |\n|---|---|---|---|---|\n", section)
		}
		variable := code(e.Variable)
		if e.InFile {
			variable += " or " + code(e.Variable+"_FILE")
		}
		fmt.Fprintf(&page, "| %s | %s | %s | %s | %s |\n", code(e.Key), e.Type, code(defaults[e.Key]), variable, meanings.of(t, e.Owner, e.Field))
	}
	page.WriteString("\n")
	return page.String()
}

// completeDefaults returns the value of each key where nothing is said, and in
// an entry of a table of which nothing but its name is said.
func completeDefaults() map[string]string {
	const anyName = "<name>"
	cfg := DefaultConfig()
	cfg.Providers[anyName], cfg.Models[anyName] = provider.Settings{}, router.Model{}
	cfg.complete()
	texts := make(map[string]string)
	for _, value := range settings.Load(&cfg, settings.Sources{}).Values() {
		switch value.Text {
		case `""`, "[]", "{}", "0":
		default:
			texts[value.Key] = value.Text
		}
	}
	return texts
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(s, "|", "\\|") + "`"
}

// comments are what the sources say of the fields of structs: package path,
// then struct and field.
type comments map[string]map[string]string

// of returns the comment of a field, in one line. One without a comment fails
// the test: an operator could not know what it is for.
func (c comments) of(t *testing.T, owner reflect.Type, field string) string {
	t.Helper()
	if c[owner.PkgPath()] == nil {
		c[owner.PkgPath()] = readComments(t, owner.PkgPath())
	}
	text := c[owner.PkgPath()][owner.Name()+"."+field]
	if text == "" {
		t.Errorf("%s.%s has no comment: say what it is for", owner, field)
	}
	text = strings.TrimPrefix(text, field+" ") // as the comment above a field begins
	return strings.ReplaceAll(text, "|", "\\|")
}

// readComments reads the comments above and behind the fields of a package's
// structs.
func readComments(t *testing.T, path string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, strings.TrimPrefix(path, module), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if declared, ok := n.(*ast.TypeSpec); ok {
				noteFields(found, declared)
			}
			return true
		})
	}
	return found
}

func noteFields(found map[string]string, declared *ast.TypeSpec) {
	structure, ok := declared.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range structure.Fields.List {
		text := strings.Join(strings.Fields(field.Doc.Text()+" "+field.Comment.Text()), " ")
		for _, name := range field.Names {
			found[declared.Name.Name+"."+name.Name] = text
		}
	}
}

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, path string, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil { // #nosec G703 -- the tests name it
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is out of date; run go generate ./cmd/parley (-want +got):\n%s", path, diff)
	}
}
