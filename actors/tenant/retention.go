package tenant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
)

// RetentionConfig is the section "retention": for how long things are kept, where
// nothing else was said of a tenant.
type RetentionConfig struct {
	ContentDays int           `koanf:"content_days"` // of conversations and what is in them; 0 for ever
	LedgerDays  int           `koanf:"ledger_days"`  // of usage rows; 0 for ever
	Interval    time.Duration `koanf:"interval"`     // between two looks for what is too old
}

// DefaultRetentionConfig keeps everything.
func DefaultRetentionConfig() RetentionConfig { return RetentionConfig{Interval: time.Hour} }

// maxDays is a hundred years.
const maxDays = 36_500

// Validate reports every fault at once.
func (c RetentionConfig) Validate() error {
	var faults []error
	for key, days := range map[string]int{"content_days": c.ContentDays, "ledger_days": c.LedgerDays} {
		if days < 0 || days > maxDays {
			faults = append(faults, fmt.Errorf("retention.%s is %d: give a number of days up to %d, or 0 to keep all", key, days, maxDays))
		}
	}
	if c.Interval < time.Second || c.Interval > 24*time.Hour {
		faults = append(faults, fmt.Errorf("retention.interval is %s: give a duration from 1s to 24h", c.Interval))
	}
	return errors.Join(faults...)
}

// RetentionStore keeps things for a time. Both stores implement it; they remove some
// at a time, and return how much that was.
type RetentionStore interface {
	Tenants(ctx context.Context) ([]messages.Tenant, error)
	Retentions(ctx context.Context) ([]messages.Retention, error)
	SetRetention(ctx context.Context, r messages.Retention) error
	SweepContent(ctx context.Context, tenant messages.TenantID, before time.Time) (removed int, err error)
	SweepLedger(ctx context.Context, tenant messages.TenantID, before time.Time) (removed int, err error)
	// DropMonths takes whole months of the ledger away in which each tenant's rows
	// may go, where it is cut into such.
	DropMonths(ctx context.Context, now time.Time, expired func(tenant messages.TenantID, end time.Time) bool) (dropped int, err error)
}

// Retention removes what is too old. It is safe for concurrent use.
type Retention struct {
	cfg     RetentionConfig
	store   RetentionStore
	log     *slog.Logger
	removed *prometheus.CounterVec
}

// NewRetention works on the store. Run starts it.
func NewRetention(cfg RetentionConfig, store RetentionStore, registerer prometheus.Registerer, log *slog.Logger) *Retention {
	return &Retention{cfg: cfg, store: store, log: log, removed: promauto.With(registerer).NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_retention_removed_total", Help: "What was removed because it was too old.",
	}, []string{"what"})}
}

// spans say how long each tenant's things are kept.
type spans struct {
	usual RetentionConfig
	own   map[messages.TenantID]messages.Retention
}

func (r *Retention) spans(ctx context.Context) (spans, error) {
	found, err := r.store.Retentions(ctx)
	set := spans{r.cfg, make(map[messages.TenantID]messages.Retention, len(found))}
	for _, own := range found {
		set.own[own.Tenant] = own
	}
	return set, err
}

func (r *spans) contentDays(of messages.TenantID) int {
	if own := r.own[of].ContentDays; own != nil {
		return *own
	}
	return r.usual.ContentDays
}

func (r *spans) ledgerDays(of messages.TenantID) int {
	if own := r.own[of].LedgerDays; own != nil {
		return *own
	}
	return r.usual.LedgerDays
}

// Run removes what is too old, again and again, until ctx ends.
func (r *Retention) Run(ctx context.Context) error {
	ticker := time.NewTicker(r.cfg.Interval)
	defer ticker.Stop()
	for {
		if err := r.Sweep(ctx, time.Now()); err != nil && ctx.Err() == nil {
			r.log.Warn("not all that is too old could be removed; the rest will be with the next sweep", slog.Any("error", err))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Sweep removes all that is too old at a moment: whole months of the ledger first,
// which takes no longer for many rows than for few.
func (r *Retention) Sweep(ctx context.Context, now time.Time) error {
	set, err := r.spans(ctx)
	if err != nil {
		return err
	}
	tenants, err := r.store.Tenants(ctx)
	if err != nil {
		return err
	}
	known := make(map[messages.TenantID]bool, len(tenants))
	for i := range tenants {
		known[tenants[i].ID] = true
	}
	dropped, err := r.store.DropMonths(ctx, now, func(of messages.TenantID, end time.Time) bool {
		days := set.ledgerDays(of)
		return known[of] && days > 0 && !end.After(now.AddDate(0, 0, -days))
	})
	r.count("months", dropped)
	faults := []error{err}
	for i := range tenants {
		id := tenants[i].ID
		faults = append(faults,
			r.sweep(ctx, "content", set.contentDays(id), now, func(before time.Time) (int, error) { return r.store.SweepContent(ctx, id, before) }),
			r.sweep(ctx, "rows", set.ledgerDays(id), now, func(before time.Time) (int, error) { return r.store.SweepLedger(ctx, id, before) }))
	}
	return errors.Join(faults...)
}

// sweepPause lets others have the store between two steps.
const sweepPause = 10 * time.Millisecond

// sweep takes steps until one finds nothing.
func (r *Retention) sweep(ctx context.Context, what string, days int, now time.Time, step func(before time.Time) (int, error)) error {
	if days == 0 {
		return nil
	}
	for before := now.AddDate(0, 0, -days); ; {
		n, err := step(before)
		if r.count(what, n); err != nil || n == 0 {
			return err
		}
		select {
		case <-time.After(sweepPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *Retention) count(what string, n int) {
	if n > 0 {
		r.removed.WithLabelValues(what).Add(float64(n))
		r.log.Info("removed what was too old", slog.String("what", what), slog.Int("count", n))
	}
}
