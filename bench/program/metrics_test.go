package program

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const metricsPage = `# HELP go_memstats_mallocs_total Total.
# TYPE go_memstats_mallocs_total counter
go_memstats_mallocs_total 1.5e+06
chatbot_conversations_awake 12

x{a="b c",d="e"} 3
x{a="b",d="e"} 4
`

func TestMetricsAreRead(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, metricsPage) // a client that is gone fails itself
	}))
	defer page.Close()
	admin := strings.TrimPrefix(page.URL, "http://")
	got, err := Scrape(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	want := Metrics{"go_memstats_mallocs_total": 1.5e6, "chatbot_conversations_awake": 12, `x{a="b c",d="e"}`: 3, `x{a="b",d="e"}`: 4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := got.Value("other"); err == nil {
		t.Error("a metric that is not there has a value")
	}
	if sum := got.Sum("x", "d", "e"); sum != 7 {
		t.Errorf("the sum of a label is %v, want 7", sum)
	}
	if _, err := Fetch(t.Context(), page.URL+"/other", ""); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a page that is not there: %v", err)
	}
	for _, wrong := range []string{"nothing", "x y"} {
		if _, err := parseMetrics(strings.NewReader(wrong)); err == nil {
			t.Errorf("%q is read", wrong)
		}
	}
}
