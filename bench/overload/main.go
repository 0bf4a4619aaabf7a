package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"example.com/parley/bench/report"
)

// options are the command line.
type options struct {
	duration time.Duration // of one load, behind its warm-up
	rounds   int
	only     report.Only
	postgres string // URL of who may make databases
	parallel int    // requests in front of a budget
}

// postgresVariable is where the tests' services say it.
const postgresVariable = "PARLEY_TEST_POSTGRES_URL"

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("overload", flag.ContinueOnError)
	flags.DurationVar(&o.duration, "duration", 5*time.Second, "of one load, behind its warm-up")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each load is made; the figures are those of the median")
	quick := flags.Bool("quick", false, "find out in a minute whether it works; the figures are noise")
	flags.StringVar(&o.postgres, "postgres", os.Getenv(postgresVariable), "URL of a PostgreSQL `role` that may make roles and databases, for nodes (default $"+postgresVariable+")")
	flags.IntVar(&o.parallel, "parallel", 100_000, "requests in front of a budget, in nodes")
	o.only.Flag(flags, partNames())
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if *quick {
		o.duration, o.rounds, o.parallel = min(o.duration, time.Second), 1, min(o.parallel, 5000)
	}
	return o, o.check(flags.Args())
}

func (o *options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("overload takes flags alone, and not %q", rest)
	case o.duration < 500*time.Millisecond || o.duration > time.Minute:
		return fmt.Errorf("-duration is %s: give 500ms to 1m", o.duration)
	case o.parallel < 1 || o.parallel > 1e7:
		return fmt.Errorf("-parallel is %d: give 1 to 10000000", o.parallel)
	case o.only.Has("nodes") && o.postgres == "":
		return fmt.Errorf("the part nodes needs a PostgreSQL: give -postgres, run under .ci/with-services, or name the other parts with -only")
	case o.rounds < 1 || o.rounds > 20:
		return fmt.Errorf("-rounds is %d: give 1 to 20", o.rounds)
	}
	return nil
}

func main() {
	os.Exit(report.Run("overload", func(ctx context.Context, line *report.Report) error {
		o, err := parseOptions(os.Args[1:])
		if err != nil {
			return err
		}
		return overload(ctx, o, line)
	}))
}
