package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"example.com/parley/bench/report"
)

// options are the command line.
type options struct {
	connections int           // to hold
	streaming   int           // sessions at most that stream at a time
	storm       int           // connections that come back at once
	disconnects int           // to be forced
	kills       int           // of the server
	duration    time.Duration // of one load, behind its warm-up
	seed        uint64
	only        report.Only
}

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("sessions", flag.ContinueOnError)
	flags.IntVar(&o.connections, "connections", 19_000, "to hold; a process may have 20,000 files open")
	flags.IntVar(&o.streaming, "streaming", 9_000, "sessions at most that stream at a time")
	flags.IntVar(&o.storm, "storm", 10_000, "connections that come back at once")
	flags.IntVar(&o.disconnects, "disconnects", 10_000, "how often a connection is cut")
	flags.IntVar(&o.kills, "kills", 100, "how often the server is killed")
	flags.DurationVar(&o.duration, "duration", 10*time.Second, "of one load, behind its warm-up")
	flags.Uint64Var(&o.seed, "seed", rand.Uint64(), "what cuts and kills are drawn from") // #nosec G404 -- drawn, not guessed at
	quick := flags.Bool("quick", false, "find out in a minute whether it works; the figures are noise")
	o.only.Flag(flags, partNames())
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if *quick {
		o.connections, o.streaming, o.storm = min(o.connections, 1000), min(o.streaming, 200), min(o.storm, 500)
		o.disconnects, o.kills, o.duration = min(o.disconnects, 200), min(o.kills, 2), min(o.duration, 2*time.Second)
	}
	return o, o.check(flags.Args())
}

func (o *options) check(rest []string) error {
	const most = 50_000
	if len(rest) > 0 {
		return fmt.Errorf("sessions takes flags alone, and not %q", rest)
	}
	for name, n := range map[string]int{
		"connections": o.connections, "streaming": o.streaming, "storm": o.storm, "disconnects": o.disconnects, "kills": o.kills,
	} {
		if n < 1 || n > most {
			return fmt.Errorf("-%s is %d: give 1 to %d", name, n, most)
		}
	}
	if o.duration < time.Second || o.duration > time.Minute {
		return fmt.Errorf("-duration is %s: give 1s to 1m", o.duration)
	}
	return nil
}

func main() {
	os.Exit(report.Run("sessions", func(ctx context.Context, line *report.Report) error {
		o, err := parseOptions(os.Args[1:])
		if err != nil {
			return err
		}
		return sessions(ctx, o, line)
	}))
}
