// Package admin is the edge for operators: tenants, keys, usage and providers,
// metrics and profiles. It has a listener of its own, on loopback unless the
// operator says otherwise, and opens to admin keys alone.
package admin

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/gofiber/fiber/v2/middleware/pprof"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// Administration makes, changes and ends tenants and keys. cmd/parley joins it to
// actors/tenant.
type Administration interface {
	CreateTenant(ctx context.Context, wanted messages.Tenant) (messages.Tenant, error)
	ChangeTenant(ctx context.Context, id messages.TenantID, change messages.TenantChange) (messages.Tenant, error)
	Tenant(ctx context.Context, id messages.TenantID) (messages.Tenant, error)
	Tenants(ctx context.Context) ([]messages.Tenant, error)
	// CreateKey returns the whole key, which can be seen this once. RotateKey
	// does so with its new secret.
	CreateKey(ctx context.Context, key messages.APIKey) (created messages.APIKey, whole string, err error)
	ChangeKey(ctx context.Context, id messages.KeyID, change messages.KeyChange) (messages.APIKey, error)
	RotateKey(ctx context.Context, id messages.KeyID, oldExpires time.Time) (key messages.APIKey, whole string, err error)
	RevokeKey(ctx context.Context, id messages.KeyID) error
	Key(ctx context.Context, id messages.KeyID) (messages.APIKey, error)
	Keys(ctx context.Context, tenant messages.TenantID) ([]messages.APIKey, error)
}

// Deps is what the listener stands on.
type Deps struct {
	Keys           parleyhttp.Keys
	Tries          parleyhttp.Tries
	Administration Administration
	Usage          parleyhttp.Usage
	Audit          Audit
	Prices         Prices
	Erasures       Erasures
	Retentions     Retentions
	Budgets        Budgets
	Limits         Limits
	Cluster        Cluster
	Providers      Providers
	Drains         Drains                // nil where nothing is to be drained
	Drill          Drill                 // nil where drills are not allowed
	Checks         []parleyhttp.Check    // of readiness
	Endpoints      []parleyhttp.Endpoint // of the other listener
	Edge           bool                  // this is an edge node, which nothing is administered on
	Gatherer       prometheus.Gatherer
	Log            *slog.Logger
}

// Server answers operators.
type Server struct {
	cfg  Config
	deps Deps
	app  *fiber.App
}

// NewServer returns a server with its routes in place. Run starts it.
func NewServer(cfg Config, deps Deps) *Server {
	s := &Server{cfg: cfg, deps: deps}
	s.app = fiber.New(fiber.Config{
		AppName: "parley admin", DisableStartupMessage: true, Immutable: true, // seldom called: safe before fast
		CaseSensitive: true, BodyLimit: maxBody, ReadTimeout: readTimeout, ErrorHandler: s.showError,
	})
	s.routes()
	return s
}

const (
	maxBody     = 64 << 10 // of a request; the largest is a key with a long name
	readTimeout = 10 * time.Second
	patience    = 10 * time.Second // for the store, or for an actor
)

// bounded bounds a question to the store, or to an actor. The request's own context would
// not do: its memory serves the next request, while whoever watches it still looks.
func (s *Server) bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// routes is the whole surface, in the order of docs/api.md.
func (s *Server) routes() {
	s.app.Use(nameRequest, recover.New())
	s.app.Get("/healthz", func(c *fiber.Ctx) error { return c.SendString("ok\n") })
	s.app.Get("/readyz", s.ready)

	s.app.Get("/metrics", s.observer, adaptor.HTTPHandler(promhttp.HandlerFor(s.deps.Gatherer, promhttp.HandlerOpts{})))
	s.app.Use("/debug/pprof", s.observer)
	s.app.Use(pprof.New())

	if s.deps.Edge {
		s.app.Use("/admin", notHere)
		return
	}
	operator := s.app.Group("/admin", s.operator)
	operator.Get("/tenants", s.listTenants)
	operator.Post("/tenants", s.createTenant)
	operator.Get("/tenants/:id", s.showTenant)
	operator.Patch("/tenants/:id", s.changeTenant)
	operator.Delete("/tenants/:id", s.deleteTenant)
	operator.Get("/keys", s.listKeys)
	operator.Post("/keys", s.createKey)
	operator.Get("/keys/:id", s.showKey)
	operator.Patch("/keys/:id", s.changeKey)
	operator.Delete("/keys/:id", s.revokeKey)
	operator.Post("/keys/:id/rotate", s.rotateKey)
	operator.Get("/routes", s.listRoutes)
	operator.Get("/usage", s.usage)
	operator.Get("/tenants/:id/retention", s.showRetention)
	operator.Put("/tenants/:id/retention", s.setRetention)
	operator.Get("/erasures", s.listErasures)
	operator.Post("/erasures", s.createErasure)
	operator.Get("/erasures/:id", s.showErasure)
	operator.Get("/prices", s.listPrices)
	operator.Put("/prices/*", s.setPrice)
	operator.Delete("/prices/*", s.deletePrice)
	operator.Get("/audit", s.listAudit)
	operator.Get("/cluster", s.showCluster)
	if s.deps.Drains != nil {
		operator.Get("/drain", s.showDrain)
		operator.Post("/drain", s.drain)
		operator.Delete("/drain", s.undrain)
	}
	operator.Get("/budgets", s.listBudgets)
	operator.Put("/budgets", s.putBudget)
	operator.Get("/budgets/:id", s.showBudget)
	operator.Delete("/budgets/:id", s.deleteBudget)
	operator.Get("/limits", s.listLimits)
	s.limitsOf(operator, "/tenants/:id/limits", tenantOfPath)
	s.limitsOf(operator, "/tenants/:id/limits/*", modelOfPath)
	s.limitsOf(operator, "/keys/:id/limits", keyOfPath)
	operator.Get("/providers", s.listProviders)
	operator.Get("/providers/:name", s.showProvider)
	operator.Put("/providers/:name", s.putProvider)
	operator.Delete("/providers/:name", s.deleteProvider)
	operator.Post("/providers/:name/drain", s.drainProvider)
	operator.Post("/providers/:name/resume", s.resumeProvider)
	operator.Post("/providers/:name/trip", s.tripProvider)
	operator.Post("/providers/:name/reset", s.resetProvider)
	if s.deps.Drill != nil {
		operator.Post("/drill", s.drill)
	}
}

// Run serves on listener until ctx ends.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	stop := context.AfterFunc(ctx, func() {
		_ = s.app.ShutdownWithTimeout(readTimeout) // what it cuts is a scrape or a profile
		_ = listener.Close()                       // a shutdown that comes before the serving has begun knows no listener
	})
	defer stop()
	if err := s.app.Listener(listener); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *Server) ready(c *fiber.Ctx) error {
	if s.deps.Drains != nil {
		if d := s.deps.Drains.Draining(); !d.Until.IsZero() {
			return parleyhttp.NotReady(d)
		}
	}
	if err := parleyhttp.Ready(s.deps.Checks); err != nil {
		return err
	}
	return c.SendString("ready\n")
}
