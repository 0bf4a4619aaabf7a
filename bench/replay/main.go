package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"

	"example.com/parley/bench/report"
)

// options are the command line.
type options struct {
	questions   string
	column      string
	concurrency int
	kills       int
	seed        uint64
	store       string
}

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.StringVar(&o.questions, "questions", "", "file of questions, columns separated by tabs under a header; empty asks the project's own")
	flags.StringVar(&o.column, "column", "query", "column of the file that has the questions")
	flags.IntVar(&o.concurrency, "concurrency", 64, "conversations at a time")
	flags.IntVar(&o.kills, "kills", 2, "times that the server is killed while it answers; it is once more before everything is read again")
	flags.Uint64Var(&o.seed, "seed", 0, "repeats the plan of a run; 0 makes one")
	flags.StringVar(&o.store, "store", "sqlite", "sqlite, or the postgres:// URL of a database")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if o.seed == 0 {
		o.seed = 1 + rand.Uint64N(1<<31)
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("replay takes flags alone, and not %q", flags.Args())
	case o.concurrency < 1 || o.concurrency > 4096:
		return o, fmt.Errorf("-concurrency is %d: give 1 to 4096", o.concurrency)
	case o.kills < 0 || o.kills > 100:
		return o, fmt.Errorf("-kills is %d: give 0 to 100", o.kills)
	}
	return o, nil
}

func main() {
	os.Exit(report.Run("replay", func(ctx context.Context, line *report.Report) error {
		o, err := parseOptions(os.Args[1:])
		if err != nil {
			return err
		}
		return replay(ctx, o, line)
	}))
}
