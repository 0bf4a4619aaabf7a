package report_test

import (
	"flag"
	"io"
	"strings"
	"testing"

	"example.com/parley/bench/report"
)

func TestOnlyThePartsThatAreAskedForAreRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arguments []string
		runs      string
		fault     string
	}{
		"all by default": {nil, "cut stall slow", ""},
		"one":            {[]string{"-only", "stall"}, "stall", ""},
		"some":           {[]string{"-only", "slow,cut"}, "cut slow", ""},
		"unknown":        {[]string{"-only", "cut,brew"}, "", `there is no "brew": give some of cut, stall, slow`},
		"nothing":        {[]string{"-only", ""}, "", `there is no ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			known := []string{"cut", "stall", "slow"}
			flags := flag.NewFlagSet("bench", flag.ContinueOnError)
			flags.SetOutput(io.Discard)
			var only report.Only
			only.Flag(flags, known)
			err := flags.Parse(c.arguments)
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Fatalf("got %v, want %q", err, c.fault)
				}
				return
			}
			var runs []string
			for _, part := range known {
				if only.Has(part) {
					runs = append(runs, part)
				}
			}
			if got := strings.Join(runs, " "); err != nil || got != c.runs {
				t.Errorf("runs %q (%v), want %q", got, err, c.runs)
			}
		})
	}
}
