package admin

import (
	"context"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Prices sets and lists what tokens cost. cmd/parley joins it to actors/tenant.
type Prices interface {
	Prices(ctx context.Context) ([]messages.PriceVersion, error)
	// SetPrice returns the version as it is kept, from the moment on from which
	// it holds.
	SetPrice(ctx context.Context, v messages.PriceVersion) (messages.PriceVersion, error)
	// WithdrawPrice ends a model's price now, or takes the one back that was to
	// hold from a moment on.
	WithdrawPrice(ctx context.Context, model string, from time.Time) (messages.PriceVersion, error)
}

// Price is a version of a price on the wire: pico-dollars a token.
type Price struct {
	Object     string               `json:"object"` // "price"
	Model      string               `json:"model"`
	From       *int64               `json:"from"` // seconds since 1970; null for ever
	Input      int64                `json:"input"`
	Cached     int64                `json:"cached"`
	CacheWrite int64                `json:"cache_write"`
	Output     int64                `json:"output"`
	Long       *LongPrice           `json:"long,omitempty"`
	Withdrawn  bool                 `json:"withdrawn,omitempty"`
	Origin     messages.PriceOrigin `json:"origin"`
	Source     string               `json:"source,omitempty"`
	Version    string               `json:"version"`  // as usage rows have it
	InForce    bool                 `json:"in_force"` // the one of its origin that calls go by now
}

// LongPrice is the price of calls with long prompts.
type LongPrice struct {
	Above      int   `json:"above"` // tokens of input
	Input      int64 `json:"input"`
	Cached     int64 `json:"cached"`
	CacheWrite int64 `json:"cache_write"`
	Output     int64 `json:"output"`
}

// ViewPrice is a version as it is sent.
func ViewPrice(v messages.PriceVersion) Price {
	view := Price{
		Object: "price", Model: v.Model, From: seconds(v.From), Input: v.Input, Cached: v.Cached, CacheWrite: v.CacheWrite, Output: v.Output,
		Withdrawn: v.Withdrawn, Origin: v.Origin, Source: v.Source, Version: v.Name,
	}
	if v.Long != nil {
		view.Long = &LongPrice{Above: v.Long.Above, Input: v.Long.Input, Cached: v.Long.Cached, CacheWrite: v.Long.CacheWrite, Output: v.Long.Output}
	}
	return view
}

// ViewPrices are all versions as they are sent, each with whether it holds.
func ViewPrices(all []messages.PriceVersion, now time.Time) []Price {
	type name struct {
		origin messages.PriceOrigin
		model  string
	}
	latest := make(map[name]int)
	views := make([]Price, len(all))
	for i := range all {
		views[i] = ViewPrice(all[i])
		key := name{all[i].Origin, all[i].Model}
		if other, there := latest[key]; !all[i].From.After(now) && (!there || all[i].From.After(all[other].From)) {
			latest[key] = i
		}
	}
	for _, i := range latest {
		views[i].InForce = !all[i].Withdrawn
	}
	return views
}

// listPrices lists all versions, or those of ?model= alone.
func (s *Server) listPrices(c *fiber.Ctx) error {
	ctx, release := s.bounded()
	defer release()
	all, err := s.deps.Prices.Prices(ctx)
	if err != nil {
		return err
	}
	views := ViewPrices(all, time.Now())
	if model := c.Query("model"); model != "" {
		some := views[:0]
		for _, v := range views {
			if v.Model == model {
				some = append(some, v)
			}
		}
		views = some
	}
	return sendList(c, views, func(v Price) (Price, string) { return v, v.Version })
}

// setPrice sets the price of the model that the path names.
func (s *Server) setPrice(c *fiber.Ctx) error {
	var body struct {
		From       string `json:"from"` // a day or a moment to come
		Input      *int64 `json:"input"`
		Cached     int64  `json:"cached"`
		CacheWrite int64  `json:"cache_write"`
		Output     *int64 `json:"output"`
		Source     string `json:"source"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	if body.Input == nil || body.Output == nil {
		return invalid("input", "a price has input and output", "give both, 0 for what is free")
	}
	model, from, err := priceNamed(c, body.From)
	if err != nil {
		return err
	}
	ctx, release := s.acting(c)
	defer release()
	kept, err := s.deps.Prices.SetPrice(ctx, messages.PriceVersion{
		Model: model, From: from, Source: body.Source,
		Price: messages.Price{Input: *body.Input, Cached: body.Cached, CacheWrite: body.CacheWrite, Output: *body.Output},
	})
	if err != nil {
		return err
	}
	return c.JSON(ViewPrice(kept))
}

// deletePrice withdraws the price of the model that the path names, or takes the
// one of ?from= back.
func (s *Server) deletePrice(c *fiber.Ctx) error {
	model, from, err := priceNamed(c, c.Query("from"))
	if err != nil {
		return err
	}
	ctx, release := s.acting(c)
	defer release()
	gone, err := s.deps.Prices.WithdrawPrice(ctx, model, from)
	if err != nil {
		return err
	}
	return c.JSON(ViewPrice(gone))
}

// priceNamed reads which price is meant. Names of models may have slashes, as they
// are or escaped.
func priceNamed(c *fiber.Ctx, written string) (model string, from time.Time, err error) {
	if model, err = url.PathUnescape(c.Params("*")); err != nil {
		return "", from, invalid("model", "the path is no name of a model", "escape it as a path")
	}
	if written == "" {
		return model, from, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if from, err = time.Parse(layout, written); err == nil {
			return model, from, nil
		}
	}
	return model, from, invalid("from", "from is not a moment", "give one such as 2030-01-31 or 2030-01-31T12:00:00Z")
}
