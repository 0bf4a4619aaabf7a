package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"example.com/parley/actors"
	parleyhttp "example.com/parley/http"
	"example.com/parley/http/admin"
)

func serveCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "serve", Short: "Start the server", Args: cobra.NoArgs,
		Example: "  parley serve --demo\n  OPENAI_API_KEY=sk-... parley serve --listen 0.0.0.0:8080 --data /var/lib/parley",
	}
	flags := addConfigFlags(c).addServeFlags()
	c.RunE = func(c *cobra.Command, _ []string) error {
		again, stop := newSource(configFile(flags.file, w.environment), func() (*Config, error) {
			cfg, _, err := flags.load(w)
			return cfg, err
		})
		defer stop()
		cfg, err := again.read()
		if err != nil {
			return err
		}
		return serveUntilSignal(c.Context(), cfg, again, w)
	}
	return c
}

// serveUntilSignal serves until the process is asked to stop. Being asked twice
// ends it at once.
func serveUntilSignal(ctx context.Context, cfg *Config, again *source, w world) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	go func() { // ends with ctx
		select {
		case <-asked:
			signal.Stop(asked) // before anybody can see that the first was heard
			stop()
		case <-ctx.Done():
			signal.Stop(asked)
		}
	}()
	err := serve(ctx, cfg, again, w, newLog(cfg.Log, w.err))
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // asked to stop before it had begun
	}
	return err
}

// logStart says what runs where.
func logStart(log *slog.Logger, cfg *Config, s sockets) {
	store := "sqlite"
	if cfg.Store.usesPostgres() {
		store = "postgres"
	}
	log.Info("serving",
		slog.String("version", builtFrom().String()), slog.String("listen", s.public.Addr().String()),
		slog.String("admin", s.private.Addr().String()), slog.String("store", store),
		slog.Any("providers", slices.Sorted(maps.Keys(cfg.Providers))))
	if cfg.Drill {
		log.Warn("drill: operators may have parts of this server fail")
	}
	if cfg.Demo {
		log.Warn("demo: the simulated model answers to any name that no provider has")
	}
}

// drills are what operators may have fail: nothing, unless the configuration says
// so.
func drills(cfg *Config, tree *actors.System) admin.Drill {
	if !cfg.Drill {
		return nil
	}
	return tree
}

// leastDrain is what the actors get to come to an end with, even where clients
// used up all of the drain's time: what was cut has to be stored.
const leastDrain = time.Second

// draining returns what ends the actors. Turns go on that have no client any
// more, for as long as the time for stopping lasts, or the drain that ended it.
func draining(tree *actors.System, clients *parleyhttp.Server) func(context.Context) error {
	return func(ctx context.Context) error {
		if clients != nil && !clients.Draining().Until.IsZero() {
			shorter, release := context.WithDeadline(ctx, clients.Draining().Until)
			defer release()
			ctx = shorter
		}
		if until, limited := ctx.Deadline(); !limited || time.Until(until) < leastDrain {
			longer, release := context.WithTimeout(context.WithoutCancel(ctx), leastDrain)
			defer release()
			ctx = longer
		}
		tree.Drain(ctx)
		return nil
	}
}

// hurriedDrain is what clients get to come to an end with when this node is no member any
// more. What it was asked to keep it may not store, and has others do; only once it has ended
// does it come back as a member, which is promised for 10 s after the way to it is open.
const hurriedDrain = 3 * time.Second

// hurrying has the drain be short where run ends by itself.
func hurrying(drain func(time.Duration) parleyhttp.Draining, run func(context.Context) error) func(context.Context) error {
	if run == nil {
		return nil
	}
	return func(ctx context.Context) error {
		err := run(ctx)
		if ctx.Err() == nil {
			drain(hurriedDrain)
		}
		return err
	}
}

// stopped ends the actors of a server that could not start, and returns why.
func stopped(ctx context.Context, tree *actors.System, err error) error {
	_ = draining(tree, nil)(context.WithoutCancel(ctx)) // returns nothing but nil
	return err
}
