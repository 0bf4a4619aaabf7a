package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"example.com/parley/bench/report"
)

// options are the command line.
type options struct {
	requests int      // of each fault in each state
	only     []string // faults; none means all
}

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("failover", flag.ContinueOnError)
	flags.IntVar(&o.requests, "requests", 300, "for each fault while its breaker is closed, and again while it is open")
	quick := flags.Bool("quick", false, "find out in half a minute whether it works; the figures are noise")
	only := flags.String("only", "", "faults to try, joined by commas: "+strings.Join(faultNames(), ", "))
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	if *quick {
		o.requests = min(o.requests, 40)
	}
	return o, o.check(flags.Args())
}

func (o *options) check(rest []string) error {
	for _, name := range o.only {
		if !slices.Contains(faultNames(), name) {
			return fmt.Errorf("-only has %q: give some of %s", name, strings.Join(faultNames(), ", "))
		}
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("failover takes flags alone, and not %q", rest)
	case o.requests < 10 || o.requests > 10_000:
		return fmt.Errorf("-requests is %d: give 10 to 10000", o.requests)
	}
	return nil
}

// tries tells whether a fault is to be tried.
func (o *options) tries(name string) bool { return len(o.only) == 0 || slices.Contains(o.only, name) }

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
