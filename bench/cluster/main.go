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
	store                        string
	nodes, writers               int
	kills, freezes, replacements int
	asked                        int // requests by either way, for the cost of the way
	seed                         uint64
}

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.StringVar(&o.store, "store", "", "the postgres:// URL of an empty database")
	flags.IntVar(&o.nodes, "nodes", 3, "servers")
	flags.IntVar(&o.writers, "writers", 12, "conversations that are written to at the same time")
	flags.IntVar(&o.kills, "kills", 3, "servers that are killed, one after the other")
	flags.IntVar(&o.freezes, "freezes", 1, "servers that are frozen")
	flags.IntVar(&o.replacements, "replacements", 1, "servers that are stopped and started again")
	flags.IntVar(&o.asked, "asked", 300, "requests by either way, for what the way between nodes adds")
	flags.Uint64Var(&o.seed, "seed", rand.Uint64(), "chooses the victims")
	quick := flags.Bool("quick", false, "find out in half a minute whether it works; the figures are noise")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if *quick {
		o.kills, o.freezes, o.replacements, o.asked = 1, 0, 0, 20
	}
	return o, o.check(flags.Args())
}

func (o *options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("cluster takes flags alone, and not %q", rest)
	case o.store == "":
		return fmt.Errorf("-store is missing: give the postgres:// URL of an empty database, whose role is not above row-level security")
	case o.nodes < 2 || o.nodes > 16:
		return fmt.Errorf("-nodes is %d: give 2 to 16", o.nodes)
	case o.writers < 1 || o.writers > 1000:
		return fmt.Errorf("-writers is %d: give 1 to 1000", o.writers)
	case o.asked < 10:
		return fmt.Errorf("-asked is %d: give at least 10", o.asked)
	case min(o.kills, o.freezes, o.replacements) < 0:
		return fmt.Errorf("there cannot be fewer than 0 faults")
	}
	return nil
}

func main() {
	os.Exit(report.Run("cluster", func(ctx context.Context, line *report.Report) error {
		o, err := parseOptions(os.Args[1:])
		if err != nil {
			return err
		}
		return measure(ctx, o, line)
	}))
}
