// Command parley is an LLM chat server and gateway. This file is its wiring
// diagram; `parley help` lists what else the command does.
package main

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
)

func main() {
	os.Exit(run(context.Background(), world{
		arguments: os.Args[1:], environment: os.Environ(), out: os.Stdout, err: os.Stderr,
	}))
}

// serve shows what stands on what, from the disk up to the sockets. It returns
// when ctx has ended and everything was taken down again, in the opposite order.
func serve(ctx context.Context, cfg *Config, again *source, w world, log *slog.Logger) (err error) {
	if cfg.Edge.Enabled {
		return serveEdge(ctx, cfg, w, log)
	}
	boundMemory(w.environment, systemRoot())
	ctx, stop := context.WithCancel(ctx) // an operator may end the process too
	defer stop()
	data := folder(cfg.Data)
	release, err := data.take()
	if err != nil {
		return err
	}
	defer release()
	s := &server{cfg: cfg, log: log, metrics: newRegistry()}
	if s.sockets, err = listen(ctx, cfg); err != nil {
		return err
	}
	defer s.sockets.close()

	if s.kept, err = openKept(ctx, cfg, s.sockets, s.metrics, log); err != nil {
		return err
	}
	defer s.kept.close()
	s.administration = administrationOf(cfg, s.kept.store, s.kept.prices)
	s.administration.nodes, s.administration.member = s.kept.registry.Registry, s.kept.member
	first, err := firstStart(ctx, s.administration, data, w.environment)
	if err != nil {
		return err
	}

	if s.door, err = openDoor(ctx, cfg, s.kept.store, s.metrics); err != nil {
		return err
	}
	defer s.door.close()
	if s.models, err = openModels(cfg, s.kept.prices, s.sockets.poller, s.metrics); err != nil {
		return err
	}
	defer s.models.providers.Close()
	if s.nearby, err = openNearby(ctx, cfg); err != nil {
		return err
	}
	defer s.nearby.close()
	if s.answers, err = openCache(ctx, cfg, s.kept.store, s.models.router, s.nearby.follow(), s.metrics, log); err != nil {
		return err
	}
	defer s.answers.close()
	s.nearby.attach(s.kept, s.models, s.answers, s.leaving, log)
	s.administration.edges = s.nearby.list
	if s.nodes, err = openMembership(cfg, s.kept, s.metrics, log); err != nil {
		return err
	}
	defer s.nodes.close()
	if s.tree, err = s.startActors(); err != nil {
		return err
	}

	s.prepareWork()
	if s.clients, err = s.newClients(stop); err != nil {
		return stopped(ctx, s.tree, err)
	}
	s.operators = s.newOperators()
	if err := s.kept.takeUp(ctx, s.tree, log); err != nil {
		return stopped(ctx, s.tree, err)
	}
	withdraw, err := data.announce(s.sockets)
	if err != nil {
		return stopped(ctx, s.tree, err)
	}
	defer withdraw()
	newGreeting(cfg, s.sockets, first).show(ctx, w.out, s.door.keys)
	logStart(log, cfg, s.sockets)
	return runParts(ctx, cfg.HTTP.DrainTimeout, log, s.parts(ctx, again, w.environment)...)
}

// systemRoot is the root folder.
func systemRoot() fs.FS { return os.DirFS("/") }
