package cluster

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/messages"
)

// renewing is a registry of which only that is asked.
type renewing struct {
	Registry

	renew func(ctx context.Context) ([]messages.Member, error)
}

func (r renewing) Join(context.Context, messages.Member, time.Duration) error { return nil }

func (r renewing) Renew(ctx context.Context, _ messages.MemberID, _ time.Duration) ([]messages.Member, error) {
	return r.renew(ctx)
}

var errSlow = errors.New("it took too long")

func TestLeaseLastsWhileItIsRenewed(t *testing.T) {
	t.Parallel()
	self := []messages.Member{{ID: "self", Lease: 3 * time.Second}}
	for what, c := range map[string]struct {
		renew func(ctx context.Context, try int64) ([]messages.Member, error)
		runs  bool
		tries int64 // within 2.95 s of a lease of 3
	}{
		"in time": {func(context.Context, int64) ([]messages.Member, error) { return self, nil }, true, 3},
		"at the third try, where the first two took all of their time": {func(ctx context.Context, try int64) ([]messages.Member, error) {
			if try == 3 {
				return self, nil
			}
			<-ctx.Done()
			return nil, errSlow
		}, true, 3},
		"while others cannot be removed": {func(ctx context.Context, _ int64) ([]messages.Member, error) {
			<-ctx.Done()
			return self, errSlow
		}, true, 3},
		"and not where it cannot be": {func(context.Context, int64) ([]messages.Member, error) { return nil, errSlow }, false, 3},
		"and not where nobody answers": {func(ctx context.Context, _ int64) ([]messages.Member, error) {
			<-ctx.Done()
			return nil, errSlow
		}, false, 3},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var tries atomic.Int64
				l := &lease{self: "self", ttl: 3 * time.Second, beat: time.Second, log: slog.New(slog.DiscardHandler), renewed: func([]messages.Member) {}}
				l.registry = renewing{renew: func(ctx context.Context) ([]messages.Member, error) {
					return c.renew(ctx, tries.Add(1))
				}}
				if err := l.join(t.Context(), self[0]); err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- l.keep(ctx) }()
				time.Sleep(2950 * time.Millisecond)
				if tries.Load() != c.tries {
					t.Errorf("it was tried %d times", tries.Load())
				}
				time.Sleep(100 * time.Millisecond) // its own time is over
				if l.runs() != c.runs {
					t.Errorf("whether it runs: %v", l.runs())
				}
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
