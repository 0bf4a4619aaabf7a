package tenant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/parley/messages"
)

// PriceKeeper keeps the prices that operators set, and changes them. Both stores
// implement it.
type PriceKeeper interface {
	PriceStore
	// SetPrice keeps a version. It fails with CodeItemAbsent for a withdrawal of
	// what there is not.
	SetPrice(ctx context.Context, v messages.PriceVersion) error
	// DropPrice takes a version back that does not hold yet. It fails with
	// CodeItemAbsent where there is none.
	DropPrice(ctx context.Context, model string, from time.Time) error
}

// PriceAdministration sets and lists prices. It is safe for concurrent use.
type PriceAdministration struct {
	store  PriceKeeper
	prices *Prices
}

// NewPriceAdministration works on the store, and has prices go by it at once.
func NewPriceAdministration(store PriceKeeper, prices *Prices) *PriceAdministration {
	return &PriceAdministration{store: store, prices: prices}
}

// priceNotice is how long before it holds a price is known, so that all servers
// go by it from the same moment on: each looks every second.
const priceNotice = 3 * time.Second

// maxPriceSource bounds the remark on who says so, in bytes.
const maxPriceSource = 500

// Prices lists all versions: those of operators, of the configuration and of the
// table, in this order.
func (a *PriceAdministration) Prices(ctx context.Context) ([]messages.PriceVersion, error) {
	set, err := a.store.Prices(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the prices: %w", err)
	}
	return append(set, a.prices.fixed...), nil
}

// SetPrice keeps a price that holds from v.From on, which is a second that has not
// come; from now on, which takes some seconds, where it is zero. It returns the
// version as it is kept.
func (a *PriceAdministration) SetPrice(ctx context.Context, v messages.PriceVersion) (messages.PriceVersion, error) {
	if err := checkPrice(&v); err != nil {
		return v, err
	}
	var err error
	if v.From, err = whenPriceHolds(v.From); err != nil {
		return v, err
	}
	return a.keep(ctx, messages.PriceVersion{Model: v.Model, From: v.From, Price: v.Price, Source: v.Source})
}

// WithdrawPrice ends the operators' price of a model now, which takes some seconds,
// or takes one back that was to hold from a moment on.
func (a *PriceAdministration) WithdrawPrice(ctx context.Context, model string, from time.Time) (messages.PriceVersion, error) {
	if from.IsZero() {
		from, _ = whenPriceHolds(from) // now is never too late
		return a.keep(ctx, messages.PriceVersion{Model: model, From: from, Withdrawn: true})
	}
	if !from.After(time.Now()) {
		return messages.PriceVersion{}, priceHolds()
	}
	if err := a.store.DropPrice(ctx, model, from); err != nil {
		return messages.PriceVersion{}, fmt.Errorf("drop a price of %s: %w", model, err)
	}
	return messages.PriceVersion{Model: model, From: from, Withdrawn: true, Origin: messages.PriceOperator}, a.prices.Load(ctx, a.store)
}

func (a *PriceAdministration) keep(ctx context.Context, v messages.PriceVersion) (messages.PriceVersion, error) {
	v.Origin, v.Name = messages.PriceOperator, messages.NameSetPrice(v.Model, v.From)
	if err := a.store.SetPrice(ctx, v); err != nil {
		return v, fmt.Errorf("set the price of %s: %w", v.Model, err)
	}
	return v, a.prices.Load(ctx, a.store)
}

// whenPriceHolds rounds to the second, up: what names a version can be typed.
func whenPriceHolds(wanted time.Time) (time.Time, error) {
	now := time.Now()
	if wanted.IsZero() {
		wanted = now.Add(priceNotice)
	}
	from := wanted.UTC().Truncate(time.Second)
	if from.Before(wanted) {
		from = from.Add(time.Second)
	}
	if !from.After(now) {
		return from, priceHolds()
	}
	return from, nil
}

func priceHolds() error {
	return invalid("from", "that moment has passed, and rows may name the price that held", "give a moment to come, or none for now")
}

func checkPrice(v *messages.PriceVersion) error {
	if err := checkPriceName(v.Model); err != nil || len(v.Model) > maxPriceSource {
		return invalid("model", "that is no name of a model", "give a model's name or provider/model, or its beginning and one * at the end")
	}
	if faults := Price(v.Price).faults(); len(faults) > 0 {
		return invalid("price", errors.Join(faults...).Error(), "see docs/api.md")
	}
	if len(v.Source) > maxPriceSource {
		return invalid("source", "the source is too long", "give an address, or a short remark")
	}
	return nil
}
