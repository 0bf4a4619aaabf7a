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
	requests int // of each fault in each state
	only     report.Only
}

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("failover", flag.ContinueOnError)
	flags.IntVar(&o.requests, "requests", 300, "for each fault while its breaker is closed, and again while it is open")
	quick := flags.Bool("quick", false, "find out in half a minute whether it works; the figures are noise")
	o.only.Flag(flags, faultNames())
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if *quick {
		o.requests = min(o.requests, 40)
	}
	return o, o.check(flags.Args())
}

func (o *options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("failover takes flags alone, and not %q", rest)
	case o.requests < 10 || o.requests > 10_000:
		return fmt.Errorf("-requests is %d: give 10 to 10000", o.requests)
	}
	return nil
}

func faultNames() (names []string) {
	for _, f := range append(faults(), restarted()) {
		names = append(names, f.name)
	}
	return names
}

func main() {
	os.Exit(report.Run("failover", func(ctx context.Context, line *report.Report) error {
		o, err := parseOptions(os.Args[1:])
		if err != nil {
			return err
		}
		return failover(ctx, o, line)
	}))
}
