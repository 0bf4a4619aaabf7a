package report_test

import (
	"context"
	"errors"
	"flag"
	"testing"

	"example.com/parley/bench/report"
)

func TestStatusOfARun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		measure func(context.Context, *report.Report) error
		want    int
	}{
		"all targets reached": {func(_ context.Context, r *report.Report) error { r.Target(report.Exactly("lost", 0, 0)); return nil }, 0},
		"a target missed":     {func(_ context.Context, r *report.Report) error { r.Target(report.Exactly("lost", 0, 1)); return nil }, 1},
		"nothing found out":   {func(context.Context, *report.Report) error { return errors.New("no server") }, 2},
		"help":                {func(context.Context, *report.Report) error { return flag.ErrHelp }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := report.Run("test", tt.measure); got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}
