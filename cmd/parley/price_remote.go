package main

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

// Prices implements administration.
func (r *remote) Prices(ctx context.Context) ([]messages.PriceVersion, error) {
	var list listJSON[admin.Price]
	err := r.do(ctx, http.MethodGet, "/admin/prices", nil, &list)
	return mapped(list.Data, priceVersion), err
}

// SetPrice implements administration.
func (r *remote) SetPrice(ctx context.Context, v messages.PriceVersion) (messages.PriceVersion, error) {
	body := map[string]any{"input": v.Input, "cached": v.Cached, "cache_write": v.CacheWrite, "output": v.Output, "source": v.Source, "from": momentText(v.From)}
	var kept admin.Price
	err := r.do(ctx, http.MethodPut, "/admin/prices/"+url.PathEscape(v.Model), body, &kept)
	return priceVersion(kept), err
}

// WithdrawPrice implements administration.
func (r *remote) WithdrawPrice(ctx context.Context, model string, from time.Time) (messages.PriceVersion, error) {
	var gone admin.Price
	err := r.do(ctx, http.MethodDelete, "/admin/prices/"+url.PathEscape(model)+"?"+url.Values{"from": {momentText(from)}}.Encode(), nil, &gone)
	return priceVersion(gone), err
}

// momentText is a moment as the admin listener reads it, empty for none.
func momentText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// priceVersion reads a price as the admin listener writes it.
func priceVersion(p admin.Price) messages.PriceVersion {
	v := messages.PriceVersion{
		Model: p.Model, From: fromSeconds(p.From), Withdrawn: p.Withdrawn, Origin: p.Origin, Source: p.Source, Name: p.Version,
		Price: messages.Price{Input: p.Input, Cached: p.Cached, CacheWrite: p.CacheWrite, Output: p.Output},
	}
	if p.Long != nil {
		v.Long = &messages.LongPrice{Above: p.Long.Above, Price: messages.Price{Input: p.Long.Input, Cached: p.Long.Cached, CacheWrite: p.Long.CacheWrite, Output: p.Long.Output}}
	}
	return v
}
