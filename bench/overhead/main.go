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
	duration      time.Duration // of one measurement
	rounds        int
	conversations int
	quick         bool
	only          report.Only
}

// atMost bounds a run: one that takes longer hangs.
func (o *options) atMost() time.Duration {
	const measurements = 21 // a round
	return 10*time.Minute + time.Duration(o.rounds*measurements)*o.duration
}

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("overhead", flag.ContinueOnError)
	flags.DurationVar(&o.duration, "duration", 2*time.Second, "of one measurement, behind its warm-up")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each measurement is made")
	flags.IntVar(&o.conversations, "conversations", 100_000, "that idle while memory is measured")
	flags.BoolVar(&o.quick, "quick", false, "find out in two minutes whether it works; the figures are noise")
	o.only.Flag(flags, partNames())
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if o.quick {
		o.duration, o.rounds, o.conversations = min(o.duration, 500*time.Millisecond), min(o.rounds, 2), min(o.conversations, 5000)
	}
	return o, o.check(flags.Args())
}

func (o *options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("overhead takes flags alone, and not %q", rest)
	case o.duration < 100*time.Millisecond || o.duration > time.Minute:
		return fmt.Errorf("-duration is %s: give 100ms to 1m", o.duration)
	case o.rounds < 1 || o.rounds > 100:
		return fmt.Errorf("-rounds is %d: give 1 to 100", o.rounds)
	case o.conversations < 1 || o.conversations > 1_000_000:
		return fmt.Errorf("-conversations is %d: give 1 to 1000000", o.conversations)
	}
	return nil
}

func partNames() []string {
	all := parts()
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].name
	}
	return names
}

func main() {
	os.Exit(report.Run("overhead", func(ctx context.Context, line *report.Report) error {
		o, err := parseOptions(os.Args[1:])
		if err != nil {
			return err
		}
		return overhead(ctx, o, line)
	}))
}
