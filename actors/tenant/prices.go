package tenant

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
)

// PriceStore keeps the prices that operators set. Both stores implement it.
type PriceStore interface {
	// Prices lists all versions, withdrawals too.
	Prices(ctx context.Context) ([]messages.PriceVersion, error)
	// PricesVersion changes whenever any price does.
	PricesVersion(ctx context.Context) (uint64, error)
}

// Prices tells what calls cost. It is safe for concurrent use: whoever asks reads
// a snapshot, which Load alone replaces.
type Prices struct {
	fixed    []messages.PriceVersion // of the configuration and the table
	snapshot atomic.Pointer[tariffs]

	loading sync.Mutex // held by whoever loads
	version uint64     // of the store's, as loaded last
}

// NewPrices returns the embedded table with the operator's own before it. Those
// that are kept in a store come with [Prices.Load].
func NewPrices(own PriceConfig) (*Prices, error) {
	if err := own.Validate(); err != nil {
		return nil, err
	}
	known, err := readTable()
	if err != nil {
		return nil, err
	}
	p := &Prices{fixed: append(own.versions(), known...)}
	p.snapshot.Store(newTariffs(p.fixed))
	return p, nil
}

// Cost is what the usage of a call that begins now would cost. It returns false
// for a target without a price. It allocates nothing.
func (p *Prices) Cost(target messages.Target, usage messages.Usage) (messages.NanoDollars, bool) {
	charge := p.Charge(target, usage, time.Now())
	return charge.Cost, charge.Known
}

// Charge is what the usage of a call costs that began at a moment, rounded up to
// the nano-dollar once, and by which price. It allocates nothing.
func (p *Prices) Charge(target messages.Target, usage messages.Usage, began time.Time) messages.Charge {
	tariffs := p.snapshot.Load()
	if v := tariffs.find(target, began); v != nil {
		return messages.Charge{Cost: costOf(v.priceOf(usage.Input), usage), Known: true, Price: v.name}
	}
	return messages.Charge{}
}

// Load takes over what the store has, where that has changed.
func (p *Prices) Load(ctx context.Context, from PriceStore) error {
	p.loading.Lock()
	defer p.loading.Unlock()
	version, err := from.PricesVersion(ctx)
	if err != nil || version == p.version {
		return err
	}
	set, err := from.Prices(ctx)
	if err != nil {
		return fmt.Errorf("load the prices: %w", err)
	}
	p.snapshot.Store(newTariffs(append(set, p.fixed...)))
	p.version = version // read before the prices: a change in between is loaded once more
	return nil
}

// priceInterval is how often a server looks for changed prices, and priceTimeout
// bounds a look. A change is known within both, before [priceNotice] is over.
const (
	priceInterval = time.Second
	priceTimeout  = 1500 * time.Millisecond
)

// Follow takes over what changes in the store, until ctx ends. While the store is
// away the prices stay as they are.
func (p *Prices) Follow(ctx context.Context, from PriceStore, registerer prometheus.Registerer) error {
	age := promauto.With(registerer).NewGauge(prometheus.GaugeOpts{
		Name: "chatbot_prices_age_seconds", Help: "Since the store last said whether prices have changed.",
	})
	ticker := time.NewTicker(priceInterval)
	defer ticker.Stop()
	for heard := time.Now(); ; {
		looking, release := context.WithTimeout(ctx, priceTimeout)
		if err := p.Load(looking, from); err == nil {
			heard = time.Now()
		}
		release()
		age.Set(time.Since(heard).Seconds())
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}
