package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"example.com/parley/bench/report"
)

// options are the command line.
type options struct {
	nodes    int
	faults   int
	seed     uint64
	crew     int // conversations that are written to at a time
	hold     time.Duration
	loopback bool
	edgeCut  time.Duration // how long an edge node is cut off
	only     report.Only
}

// stopPatience is for a child that is to clean up.
const stopPatience = 20 * time.Second

// capacityPart is the part of -only beside the faults.
const capacityPart = "capacity"

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.IntVar(&o.nodes, "nodes", 3, "that the cluster has")
	flags.IntVar(&o.faults, "faults", 18, "how many are injected, one after the other, in an order that the seed has")
	flags.Uint64Var(&o.seed, "seed", 0, "of the faults, their order and their victims; 0 takes one and prints it")
	flags.IntVar(&o.crew, "conversations", 12, "that are written to at a time, by two clients each")
	flags.DurationVar(&o.hold, "hold", 5*time.Second, "how long something is away")
	flags.BoolVar(&o.loopback, "loopback", false, "make no network namespaces")
	quick := flags.Bool("quick", false, "find out in two minutes whether it works")
	flags.DurationVar(&o.edgeCut, "edge-cut", time.Minute, "how long an edge node is cut off, where -only has "+edgePart)
	o.only.Flag(flags, append(faultNames(), capacityPart, edgePart))
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if *quick {
		o.faults, o.crew, o.hold = min(o.faults, 5), min(o.crew, 6), min(o.hold, 4*time.Second)
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1 << 32) // #nosec G404 -- to be repeated
	}
	return o, o.check(flags.Args())
}

func (o *options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("cluster takes flags alone, and not %q", rest)
	case o.nodes < 3 || o.nodes > 16:
		return fmt.Errorf("-nodes is %d: give 3 to 16", o.nodes)
	case o.faults < 0 || o.faults > 10_000:
		return fmt.Errorf("-faults is %d: give 0 to 10000", o.faults)
	case o.crew < 1 || o.crew > 500:
		return fmt.Errorf("-conversations is %d: give 1 to 500", o.crew)
	case o.edgeCut < time.Second || o.edgeCut > 10*time.Minute:
		return fmt.Errorf("-edge-cut is %s: give 1s to 10m", o.edgeCut)
	case o.hold < time.Second || o.hold > time.Minute:
		return fmt.Errorf("-hold is %s: give 1s to 1m", o.hold)
	}
	return nil
}

// hasEdge tells whether there is to be an edge node.
func (o *options) hasEdge() bool { return o.isNamed(edgePart) }

// isNamed tells whether a part is asked for, and not just all of them.
func (o *options) isNamed(part string) bool { return slices.Contains(o.only.Names, part) }

// most is how many nodes there are at a time: some come for a while.
func (o *options) most() int { return 2 * o.nodes }

func main() { os.Exit(run(os.Args[1:])) }

func run(arguments []string) int {
	o, err := parseOptions(arguments)
	if prefix := os.Getenv(namespace); err == nil && prefix == "" && !o.loopback && mayBuild() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		status, err := enter(ctx, o.most(), arguments)
		if err == nil {
			return status
		}
		report.Say("there are no network namespaces, so nothing is cut: %v", err)
	}
	return report.Run("cluster", func(ctx context.Context, line *report.Report) error {
		if err != nil {
			return err
		}
		return drill(ctx, &o, newNetwork(os.Getenv(namespace), hostNames(o.most())), line)
	})
}
