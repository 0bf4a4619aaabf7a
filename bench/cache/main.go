package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"example.com/parley/bench/report"
)

// options are the command line.
type options struct {
	data      string
	questions string
	seed      uint64
	requests  int
	lookups   int
	only      report.Only
}

var parts = []string{"speed", "quality", "replay", "judge"}

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("cache", flag.ContinueOnError)
	flags.StringVar(&o.data, "data", "", "folder of evaluation sets; those of its files that are known are used: see bench/README.md")
	flags.StringVar(&o.questions, "questions", "", "file of questions for the replays, columns cluster and question separated by a tab under a header; empty takes qqp_clusters.tsv of -data, or the project's own")
	flags.Uint64Var(&o.seed, "seed", 1, "of the replays' streams")
	flags.IntVar(&o.requests, "requests", 5000, "of a replay")
	flags.IntVar(&o.lookups, "lookups", 200_000, "that are timed, for each tier and number of replies")
	o.only.Flag(flags, parts)
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("cache takes flags alone, and not %q", flags.Args())
	case o.requests < 100 || o.requests > 1_000_000:
		return o, fmt.Errorf("-requests is %d: give 100 to 1000000", o.requests)
	case o.lookups < 100 || o.lookups > 1_000_000:
		return o, fmt.Errorf("-lookups is %d: give 100 to 1000000", o.lookups)
	}
	return o, nil
}

func main() {
	os.Exit(report.Run("cache", func(ctx context.Context, line *report.Report) error {
		o, err := parseOptions(os.Args[1:])
		if err != nil {
			return err
		}
		return measure(ctx, o, line)
	}))
}

// measure runs the parts that are asked for.
func measure(ctx context.Context, o options, line *report.Report) error {
	if o.only.Has("speed") {
		if err := speed(ctx, o, line); err != nil {
			return fmt.Errorf("speed: %w", err)
		}
	}
	if o.only.Has("quality") && o.data != "" {
		if err := quality(ctx, o, line); err != nil {
			return fmt.Errorf("quality: %w", err)
		}
	}
	if o.only.Has("replay") {
		if err := replays(ctx, o, line); err != nil {
			return fmt.Errorf("replay: %w", err)
		}
	}
	if o.only.Has("judge") {
		judgeSimulation(line)
	}
	return nil
}
