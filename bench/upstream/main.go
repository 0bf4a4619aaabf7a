// Command upstream plays OpenAI's and Anthropic's servers, for tests, benchmarks
// and whoever wants to see a failover without a key. How it behaves, and how to
// make it fail, is in the documentation of package fake beside it:
//
//	go run ./bench/upstream -listen 127.0.0.1:9090
//	go doc ./bench/upstream/fake
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"example.com/parley/bench/upstream/canned"
	"example.com/parley/bench/upstream/fake"
)

// gcPercent lets garbage grow to five times what is in use, which is little: the
// fake should take as little as can be of a machine that measures something else.
const gcPercent = 400

func main() {
	debug.SetGCPercent(gcPercent)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, log io.Writer) error {
	cfg, isCanned, err := parse(args, log)
	switch {
	case err != nil:
		return err
	case isCanned:
		return runCanned(ctx, cfg.Address)
	}
	server := fake.New(cfg)
	if err := server.Start(ctx); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(log, "OPENAI_BASE_URL=%s ANTHROPIC_BASE_URL=http://%s\n", server.URL(), server.Address()); err != nil {
		return errors.Join(err, server.Close())
	}
	<-ctx.Done()
	return server.Close()
}

// runCanned serves the same reply to everything until ctx ends.
func runCanned(ctx context.Context, address string) error {
	server, err := canned.Start(ctx, address)
	if err != nil {
		return err
	}
	<-ctx.Done()
	return server.Close()
}

func parse(args []string, output io.Writer) (cfg fake.Config, isCanned bool, err error) {
	flags := flag.NewFlagSet("upstream", flag.ContinueOnError)
	flags.SetOutput(output)
	listen := flags.String("listen", "127.0.0.1:9090", "`host:port` to listen on")
	behave := flags.String("behave", "", "`terms` for models whose name says nothing, such as tokens-20-interval-1ms")
	models := flags.String("models", "", "`names` that GET /v1/models lists, joined by commas")
	flags.BoolVar(&isCanned, "canned", false, "say the same to everything, for a fraction of the cost: see package canned")
	if err := flags.Parse(args); err != nil {
		return fake.Config{}, false, err
	}
	cfg.Address = *listen
	if *models != "" {
		cfg.Models = strings.Split(*models, ",")
	}
	if *behave != "" {
		cfg.Behaviour, err = fake.Parse(fake.Behaviour{}, *behave)
	}
	return cfg, isCanned, err
}
