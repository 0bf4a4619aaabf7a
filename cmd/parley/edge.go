package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors"
	"example.com/parley/actors/cache"
	"example.com/parley/actors/cache/embed"
	"example.com/parley/actors/conversation"
	"example.com/parley/actors/tenant"
	"example.com/parley/cluster/edge"
	parleyhttp "example.com/parley/http"
	"example.com/parley/http/admin"
	"example.com/parley/messages"
	"example.com/parley/persistence/spool"
)

// edgeServer is what the process of an edge node is made of. Each field stands on
// those above it, and [serveEdge] fills them in from the top.
type edgeServer struct {
	cfg     *Config
	log     *slog.Logger
	metrics *prometheus.Registry
	sockets sockets

	core    *edge.Node
	ledger  *spool.Spool
	door    door
	answers cached
	tree    *actors.System

	clients   *parleyhttp.Server
	operators *admin.Server
}

// serveEdge is serve for an edge node: it answers from its cache, and has the core
// answer the rest. It keeps nothing but what was answered here and is to be billed.
func serveEdge(ctx context.Context, cfg *Config, w world, log *slog.Logger) (err error) {
	boundMemory(w.environment, systemRoot())
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	data := folder(cfg.Data)
	release, err := data.take()
	if err != nil {
		return err
	}
	defer release()
	s := &edgeServer{cfg: cfg, log: log, metrics: newRegistry()}
	if s.sockets, err = listen(ctx, cfg); err != nil {
		return err
	}
	defer s.sockets.close()

	client, _, err := certificates(cfg)
	if err != nil {
		return err
	}
	s.core = edge.New(cfg.Edge, edge.Deps{Version: builtFrom().String(), Client: client, Registerer: s.metrics, Log: log})
	if s.ledger, err = s.awaitLedger(ctx); err != nil {
		return err
	}
	defer s.ledger.Close()
	if s.door, err = s.openDoor(); err != nil {
		return err
	}
	if s.answers, err = s.openCache(); err != nil {
		return err
	}
	if s.tree, err = s.startActors(); err != nil {
		return err
	}
	if err = s.prepare(stop); err != nil {
		return stopped(ctx, s.tree, err)
	}
	withdraw, err := data.announce(s.sockets)
	if err != nil {
		return stopped(ctx, s.tree, err)
	}
	defer withdraw()
	s.greet(w.out)
	return runParts(ctx, cfg.HTTP.DrainTimeout, log, s.parts(w.environment)...)
}

// ledgerInterval is how often the core is tried for what an earlier process left.
const ledgerInterval = time.Second

// awaitLedger opens the queue of what is to be billed. What an earlier process left in
// it goes to the core first, which is waited for.
func (s *edgeServer) awaitLedger(ctx context.Context) (*spool.Spool, error) {
	open := func() (*spool.Spool, error) {
		return spool.Open(ctx, s.cfg.Ledger, spool.Deps{Sink: s.core, Price: free{}.Charge, Registerer: s.metrics, Log: s.log})
	}
	ledger, err := open()
	if messages.CodeOf(err) != messages.CodeEdgeCutOff {
		return ledger, err
	}
	leave := s.sockets.sayNotReady()
	defer leave()
	for messages.CodeOf(err) == messages.CodeEdgeCutOff {
		s.log.Warn("waiting for the core", slog.Any("error", err))
		select {
		case <-time.After(ledgerInterval):
			ledger, err = open()
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the core: %w", ctx.Err())
		}
	}
	return ledger, err
}

func (s *edgeServer) openDoor() (d door, err error) {
	keys := s.cfg.Keys
	keys.Refresh = min(keys.Refresh, time.Second/2) // it asks this process alone
	keys.OutageGrace = s.cfg.Edge.Tolerates
	if d.keys, err = tenant.New(keys, tenant.Deps{Store: s.core, Registerer: s.metrics}); err != nil {
		return door{}, err
	}
	d.tries = tenant.NewTries(keys, s.metrics)
	d.limits, err = tenant.NewLimiter(s.cfg.Limits, tenant.LimiterDeps{Registerer: s.metrics})
	return d, err
}

// openCache makes a cache that is the core's as far as it is here: nothing is asked
// ahead from it, and nobody judges.
func (s *edgeServer) openCache() (c cached, err error) {
	if c.embedder, c.remote, err = embed.Open(s.cfg.Cache.Embed, s.metrics); err != nil {
		return c, fmt.Errorf("open the cache: %w", err)
	}
	cfg := s.cfg.Cache
	cfg.Judge, cfg.Ahead = cache.JudgeConfig{}, cache.AheadConfig{}
	c.cache = cache.New(cfg, cache.Deps{Embedder: c.embedder, Routes: s.core, Registerer: s.metrics})
	return c, nil
}

func (s *edgeServer) startActors() (*actors.System, error) {
	parts := actors.CacheParts(s.answers.cache)
	parts = append(parts, actors.Part{Name: "tenants", Props: s.door.keys.Props()}, actors.Part{Name: "limits", Props: s.door.limits.Props()})
	return actors.Start(s.cfg.Config, actors.Deps{
		Parts: parts, Ledger: hits{s.ledger}, Models: coreModels{}, Prices: free{},
		Cache: actors.NewCache(s.answers.cache), Limits: s.door.limits, Processors: containersProcessors(systemRoot()), Registerer: s.metrics, Log: s.log,
	})
}

// prepare makes what serves clients, and what operators see of it.
func (s *edgeServer) prepare(stop context.CancelFunc) (err error) {
	ready := []parleyhttp.Check{
		{Name: "the core", Probe: func(context.Context) error { return s.core.Standing() }},
		{Name: "the actors", Probe: func(context.Context) error { return s.tree.Ready() }},
	}
	s.clients, err = parleyhttp.NewServer(s.cfg.HTTP, parleyhttp.Deps{
		Conversations: cachedTurns{s.tree}, Library: coreLibrary{}, Core: reachedCore{s.core},
		Keys: s.door.keys, Standing: s.door.keys, Tries: s.door.tries, Limits: s.door.limits, SocketLimits: s.door.limits,
		Ready: ready, Stop: stop, Poller: s.sockets.poller, Registerer: s.metrics, Log: s.log,
	})
	if err != nil {
		return err
	}
	s.operators = admin.NewServer(s.cfg.Admin, admin.Deps{
		Keys: s.door.keys, Tries: s.door.tries, Checks: ready, Drains: s.clients, Edge: true, Gatherer: s.metrics, Log: s.log,
	})
	return nil
}

// parts is what runs, in the order in which it begins, until its context ends.
func (s *edgeServer) parts(environment []string) []part {
	return []part{
		{name: "the poller", run: s.sockets.poller.Run},
		{name: "the admin listener", run: s.sockets.serveAdmin(s.operators)},
		{name: "the actors", stop: draining(s.tree, s.clients)},
		{name: "the core", run: func(ctx context.Context) error { return s.core.Run(ctx, s.answers.cache) }},
		{name: "the embedder", run: s.answers.run()},
		{name: "the collector's pace", run: pacing(environment)},
		{name: "the limits", run: func(ctx context.Context) error { return s.door.limits.Follow(ctx, s.core, s.metrics) }},
		{name: "what keys were used", run: s.door.keys.RecordUses},
		{name: "the listener", run: s.sockets.serve(s.clients)},
	}
}

// greet says to whoever started it where it is.
func (s *edgeServer) greet(w io.Writer) {
	url := "http://" + reachable(s.sockets.public.Addr())
	_, _ = fmt.Fprintf(w, "Parley listens on %s as the edge node %s, and for operators on http://%s.\n\n%s those of the core open it.\n",
		url, s.core.Name(), reachable(s.sockets.private.Addr()), lastGreeting) // who closed the output does not want to read it
	s.log.Info("serving", slog.String("version", builtFrom().String()), slog.String("edge", s.core.Name()),
		slog.String("listen", s.sockets.public.Addr().String()), slog.String("admin", s.sockets.private.Addr().String()))
}

// cachedTurns begins turns that may be answered from the cache, and none that is kept.
type cachedTurns struct{ *actors.System }

// Send implements http.Conversations.
func (c cachedTurns) Send(m *messages.StartTurn) error {
	if m.Spec.Keep || m.Spec.Conversation != "" || m.Spec.Background {
		m.Refuse(messages.NotCached())
		return nil
	}
	return c.System.Send(m)
}

// coreLibrary is what is kept: at the core. Requests for anything else of it do not
// get that far.
type coreLibrary struct{ parleyhttp.Library }

// Conversation implements http.Library.
func (coreLibrary) Conversation(context.Context, messages.ConversationRef) (messages.Conversation, error) {
	return messages.Conversation{}, messages.NotCached()
}

// Turn implements http.Library.
func (coreLibrary) Turn(context.Context, messages.TenantID, messages.TurnID) (messages.TurnRecord, error) {
	return messages.TurnRecord{}, messages.NotCached()
}

// coreModels are asked by the core alone. They implement conversation.Models.
type coreModels struct{}

// Permit keeps from the cache what the key may not ask for; the core says why.
func (coreModels) Permit(want messages.Routing) error {
	for _, target := range want.Override.Targets {
		if !want.Allowed.Target(target) {
			return messages.NotCached()
		}
	}
	if len(want.Override.Targets) == 0 && !want.Allowed.Model(want.Model) {
		return messages.NotCached()
	}
	return nil
}

// Route implements conversation.Models.
func (coreModels) Route(messages.Routing) ([]messages.Target, error) {
	return nil, messages.NotCached()
}

// Open implements conversation.Models.
func (coreModels) Open(context.Context, messages.Target, *messages.Call) (conversation.Answer, error) {
	return nil, messages.NotCached()
}

// free is what a reply from the cache costs.
type free struct{}

// Charge implements conversation.Prices.
func (free) Charge(messages.Target, messages.Usage, time.Time) messages.Charge {
	return messages.Charge{}
}

// hits is the ledger of replies from the cache, of which nothing is reserved.
type hits struct{ *spool.Spool }

// Ended implements conversation.Ledger.
func (hits) Ended(*messages.UsageRow) {}

// Release implements conversation.Ledger.
func (h hits) Release(row *messages.UsageRow) { h.Spool.Release(row.Tenant, row.Request, row.Attempt) }

// reachedCore is the core as clients' requests see it.
type reachedCore struct{ *edge.Node }

// Want implements http.Core.
func (r reachedCore) Want(of messages.TenantID, entry messages.CacheEntryID) {
	if name, ok := cache.NameOf(of, entry); ok {
		r.Node.Want(name)
	}
}
