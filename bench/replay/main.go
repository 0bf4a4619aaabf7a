package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"

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

func main() { os.Exit(run()) }

// run returns the exit status: 0 when all targets are reached, 1 when one is
// not, 2 when nothing could be found out.
func run() int {
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	line := report.New(ctx, "replay")
	if err == nil {
		err = replay(ctx, o, line)
	}
	if err == nil {
		err = line.Print(os.Stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "replay:", err)
		return 2
	case !line.OK():
		return 1
	}
	return 0
}
