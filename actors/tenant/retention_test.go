package tenant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"example.com/parley/messages"
)

// attic plays the store: each sweep finds something twice.
type attic struct {
	own   []messages.Retention
	swept []string
	left  map[string]int
	may   map[messages.TenantID]bool // whose rows of a month that ended 100 days ago may go
	fault error
}

func (a *attic) Tenants(context.Context) ([]messages.Tenant, error) {
	return []messages.Tenant{{ID: "usual"}, {ID: "short"}, {ID: "ever"}}, nil
}

func (a *attic) Retentions(context.Context) ([]messages.Retention, error) { return a.own, nil }

func (a *attic) SetRetention(_ context.Context, r messages.Retention) error {
	a.own = append(a.own, r)
	return nil
}

func (a *attic) sweep(what string, of messages.TenantID, before time.Time) (int, error) {
	key := fmt.Sprintf("%s of %s before %s", what, of, before.Format(time.DateOnly))
	if !slices.Contains(a.swept, key) {
		a.swept = append(a.swept, key)
		a.left[key] = 2
	}
	if a.left[key] == 0 {
		return 0, nil
	}
	a.left[key]--
	return 5, a.fault
}

func (a *attic) SweepContent(_ context.Context, of messages.TenantID, before time.Time) (int, error) {
	return a.sweep("content", of, before)
}

func (a *attic) SweepLedger(_ context.Context, of messages.TenantID, before time.Time) (int, error) {
	return a.sweep("rows", of, before)
}

func (a *attic) DropMonths(_ context.Context, now time.Time, expired func(messages.TenantID, time.Time) bool) (int, error) {
	a.may = make(map[messages.TenantID]bool)
	for _, of := range []messages.TenantID{"usual", "short", "ever", "stranger"} {
		a.may[of] = expired(of, now.AddDate(0, 0, -100))
	}
	return 1, nil
}

func days(n int) *int { return &n }

func TestWhatIsTooOldGoesByTenant(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 6, 30, 12, 0, 0, 0, time.UTC)
	store := &attic{left: make(map[string]int), own: []messages.Retention{
		{Tenant: "short", ContentDays: days(1), LedgerDays: days(90)}, {Tenant: "ever", ContentDays: days(0), LedgerDays: days(0)},
	}}
	registry := prometheus.NewRegistry()
	r := NewRetention(RetentionConfig{ContentDays: 10, LedgerDays: 365, Interval: time.Hour}, store, registry, slog.New(slog.DiscardHandler))
	if err := r.Sweep(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"content of usual before 2030-06-20", "rows of usual before 2029-06-30",
		"content of short before 2030-06-29", "rows of short before 2030-04-01",
	}
	if !slices.Equal(store.swept, want) {
		t.Errorf("swept were %q, want %q", store.swept, want)
	}
	if !store.may["short"] || store.may["usual"] || store.may["ever"] || store.may["stranger"] {
		t.Errorf("rows of a month that ended 100 days ago may go of %v", store.may)
	}
	if got := testutil.ToFloat64(r.removed.WithLabelValues("rows")); got != 20 {
		t.Errorf("%v rows were counted", got)
	}
	if got := testutil.ToFloat64(r.removed.WithLabelValues("months")); got != 1 {
		t.Errorf("%v months were counted", got)
	}
}

func TestSweepThatFailsGoesOnWithOthers(t *testing.T) {
	t.Parallel()
	store := &attic{left: make(map[string]int), fault: errors.New("away")}
	r := NewRetention(RetentionConfig{ContentDays: 1}, store, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err := r.Sweep(t.Context(), time.Now()); err == nil || len(store.swept) != 3 {
		t.Errorf("%v, after %q", err, store.swept)
	}
}

func TestRetentionIsSetByTenant(t *testing.T) {
	t.Parallel()
	a := NewRetentionAdministration(&attic{})
	if err := a.SetRetention(t.Context(), messages.Retention{Tenant: "short", LedgerDays: days(-1)}); messages.AsFailure(err).Param != "ledger_days" {
		t.Errorf("got %v", err)
	}
	if err := a.SetRetention(t.Context(), messages.Retention{Tenant: "short", ContentDays: days(7)}); err != nil {
		t.Fatal(err)
	}
	for of, want := range map[messages.TenantID]*int{"short": days(7), "other": nil} {
		if r, err := a.Retention(t.Context(), of); err != nil || r.Tenant != of || (r.ContentDays == nil) != (want == nil) {
			t.Errorf("%s: %+v, %v", of, r, err)
		}
	}
}

func TestRetentionConfigFaultsNameTheKey(t *testing.T) {
	t.Parallel()
	for says, c := range map[string]RetentionConfig{
		"retention.content_days is -1":   {ContentDays: -1, Interval: time.Hour},
		"retention.ledger_days is 40000": {LedgerDays: 40000, Interval: time.Hour},
		"retention.interval is 0s":       {},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want it to say %s", err, says)
		}
	}
	if err := DefaultRetentionConfig().Validate(); err != nil {
		t.Error(err)
	}
}
