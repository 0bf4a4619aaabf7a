package report_test

import (
	"encoding/json"
	"math"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/bench/report"
)

func TestReportIsOneLine(t *testing.T) {
	t.Parallel()
	r := &report.Report{
		Name: "overhead", Commit: "1a2b3c", Machine: report.Machine{CPU: "Z80", Cores: 1, OS: "cpm", Go: "go1"},
		Figures: map[string]any{},
	}
	r.Figure("requests_per_s", map[string]float64{"median": 1200, "spread": 0.03})
	r.Figure("added_p95_ms", 1.25)
	r.Target(report.AtLeast("throughput", 0.65, 0.7))
	r.Target(report.Below("added_p95_ms", 5, 1.25))
	var out strings.Builder
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	want := `{"name":"overhead","commit":"1a2b3c","machine":{"cpu":"Z80","cores":1,"os":"cpm","go":"go1"},` +
		`"figures":{"added_p95_ms":1.25,"requests_per_s":{"median":1200,"spread":0.03}},` +
		`"targets":[{"name":"throughput","want":">= 0.65","got":0.7,"ok":true},{"name":"added_p95_ms","want":"< 5","got":1.25,"ok":true}]}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestReportWithoutFiguresHasAllMembers(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := report.New(t.Context(), "empty")
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	var line map[string]json.RawMessage
	if err := json.Unmarshal([]byte(out.String()), &line); err != nil {
		t.Fatal(err)
	}
	if string(line["figures"]) != "{}" || string(line["targets"]) != "[]" || !r.OK() {
		t.Errorf("line: %s", out.String())
	}
	if !regexp.MustCompile(`^"([0-9a-f]{7,12}(-dirty)?|unknown)"$`).Match(line["commit"]) {
		t.Errorf("commit is %s", line["commit"])
	}
}

func TestReportOfNonsenseFails(t *testing.T) {
	t.Parallel()
	r := report.New(t.Context(), "broken")
	r.Figure("ratio", math.NaN())
	if err := r.Print(os.Stderr); err == nil {
		t.Error("not a number was printed")
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		target report.Target
		want   string
		ok     bool
	}{
		"at least, reached":  {report.AtLeast("x", 0.65, 0.65), ">= 0.65", true},
		"at least, missed":   {report.AtLeast("x", 0.65, 0.64), ">= 0.65", false},
		"at most, reached":   {report.AtMost("x", 1.55, 1.55), "<= 1.55", true},
		"at most, missed":    {report.AtMost("x", 1.55, 1.56), "<= 1.55", false},
		"below, missed":      {report.Below("x", 5, 5), "< 5", false},
		"exactly, reached":   {report.Exactly("x", 0, 0), "= 0", true},
		"exactly, missed":    {report.Exactly("x", 0, 1), "= 0", false},
		"nothing is no pass": {report.AtMost("x", 1, math.NaN()), "<= 1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.target.Want != tt.want || tt.target.OK != tt.ok {
				t.Errorf("got %+v", tt.target)
			}
			r := report.New(t.Context(), "targets")
			r.Target(report.Exactly("y", 1, 1))
			r.Target(tt.target)
			if r.OK() != tt.ok {
				t.Errorf("OK is %t", r.OK())
			}
		})
	}
}

func TestThisMachine(t *testing.T) {
	t.Parallel()
	m := report.ThisMachine()
	if m.CPU == "" || m.Cores < 1 || !strings.HasPrefix(m.OS, runtime.GOOS) || m.Go != runtime.Version() {
		t.Errorf("machine: %+v", m)
	}
	if runtime.GOOS == "linux" && m.MemoryGiB <= 0 {
		t.Errorf("no memory: %+v", m)
	}
}
