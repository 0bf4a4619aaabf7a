package tenant

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
)

// LimitStore keeps the limits that operators set. Both stores implement it.
type LimitStore interface {
	// Limits lists all of them, by tenant.
	Limits(ctx context.Context) ([]messages.Limit, error)
	// LimitsVersion changes whenever any limit does.
	LimitsVersion(ctx context.Context) (uint64, error)
}

// Load takes over what operators set, where that has changed.
func (l *Limiter) Load(ctx context.Context, from LimitStore) error {
	l.loading.Lock()
	defer l.loading.Unlock()
	version, err := from.LimitsVersion(ctx)
	if err != nil || version == l.version {
		return err
	}
	set, err := from.Limits(ctx)
	if err != nil {
		return fmt.Errorf("load the limits: %w", err)
	}
	l.rules.Store(newRules(&l.cfg, set))
	l.version = version // read before the limits: a change in between is loaded once more
	return nil
}

// limitInterval is how often a server looks for changed limits, and limitTimeout
// bounds a look. A change holds within both on every server.
const (
	limitInterval = time.Second
	limitTimeout  = 2 * time.Second
)

// Follow takes over what changes in the store, until ctx ends. While the store is
// away the limits stay as they are.
func (l *Limiter) Follow(ctx context.Context, from LimitStore, registerer prometheus.Registerer) error {
	age := promauto.With(registerer).NewGauge(prometheus.GaugeOpts{
		Name: "chatbot_limits_age_seconds", Help: "Since the store last said whether limits have changed.",
	})
	heard := time.Now()
	every(ctx, limitInterval, func() {
		looking, release := context.WithTimeout(ctx, limitTimeout)
		defer release()
		if err := l.Load(looking, from); err == nil {
			heard = time.Now()
		}
		age.Set(time.Since(heard).Seconds())
	})
	return nil
}
