package http

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// declaredCodes reads the codes where they are declared.
func declaredCodes(t *testing.T) []messages.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../messages/failure.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []messages.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, messages.Code(text))
		}
		return true
	})
	if len(codes) < 30 {
		t.Fatalf("only %d codes were found in messages/failure.go", len(codes))
	}
	return codes
}

func TestEveryCodeHasAnAppearanceAndALineInTheDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := declaredCodes(t)
	for _, code := range codes {
		look, known := appearances[code]
		if !known {
			t.Errorf("%s has no appearance", code)
			continue
		}
		row := "| `" + string(code) + "` | " + strconv.Itoa(look.status) + " | " + openai.ErrorOf(&messages.Failure{Code: code}).Type + " | "
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/errors.md has no row that begins with %s", row)
		}
	}
	if len(codes) != len(appearances) {
		t.Errorf("%d appearances for %d codes", len(appearances), len(codes))
	}
}

func TestDocsListTheWholeSurface(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	surface, _, _ := strings.Cut(string(page), "\n## ") // the operators' listener has a table of its own
	for line := range strings.Lines(surface) {
		if fields := strings.Split(line, "|"); len(fields) > 3 && strings.HasPrefix(strings.TrimSpace(fields[2]), "`/") {
			listed[strings.TrimSpace(fields[1])+" "+strings.Trim(strings.TrimSpace(fields[2]), "`")] = true
		}
	}
	for _, r := range (&Server{}).routes() {
		name := r.method + " " + r.pattern
		if !listed[name] {
			t.Errorf("docs/api.md does not list %s", name)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("docs/api.md lists %s, which there is not", name)
	}
}

func TestAFailureMayKnowBetterThanItsCode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		failure messages.Failure
		want    appearance
	}{
		"a provider's 4xx is passed on":       {messages.Failure{Code: messages.CodeProviderRejected, Status: 422}, appearance{status: 422}},
		"a provider's 5xx is not":             {messages.Failure{Code: messages.CodeProviderRejected, Status: 503}, appearance{status: 400}},
		"no retry is said whatever the code":  {messages.Failure{Code: messages.CodeOverloaded, NoRetry: true}, appearance{status: 503, retry: never}},
		"a code that nobody knows is our own": {messages.Failure{Code: "invented"}, appearance{status: 500}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := appearanceOf(&test.failure); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
