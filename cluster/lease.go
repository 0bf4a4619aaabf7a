package cluster

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"example.com/parley/messages"
)

// lease keeps this node a member.
type lease struct {
	registry Registry
	self     messages.MemberID
	ttl      time.Duration
	beat     time.Duration
	log      *slog.Logger
	renewed  func([]messages.Member) // told of the members after every renewal; never waits

	mu    sync.Mutex
	until time.Time // when it ends, at the latest, by this process's own clock
}

// join begins the membership.
func (l *lease) join(ctx context.Context, m messages.Member) error {
	began := time.Now()
	ctx, release := context.WithTimeout(ctx, l.ttl)
	defer release()
	if err := l.registry.Join(ctx, m, l.ttl); err != nil {
		return err
	}
	l.extend(began)
	return nil
}

// keep renews the lease until ctx ends, or it was removed. It comes sooner where
// another's lease is about to run out, so that nobody waits for the next beat.
func (l *lease) keep(ctx context.Context) error {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		began := time.Now()
		members, err := l.renew(ctx)
		if errors.Is(err, messages.ErrRemoved) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			l.log.Warn("the lease of this node could not be renewed", slog.Any("error", err))
		}
		next.Reset(l.pause(time.Since(began), members))
	}
}

func (l *lease) renew(ctx context.Context) ([]messages.Member, error) {
	began := time.Now()
	ctx, release := context.WithTimeout(ctx, l.beat)
	defer release()
	members, err := l.registry.Renew(ctx, l.self, l.ttl)
	if members == nil { // it was not renewed
		return nil, err
	}
	l.extend(began)
	l.renewed(members)
	return members, err
}

// behindExpiry is how long behind the end of another's lease it is looked at.
const behindExpiry = 20 * time.Millisecond

// pause is how long to wait for the next renewal behind one that took a while. One that
// took all of its time is tried again at once: there are no more than three tries to a
// lease.
func (l *lease) pause(took time.Duration, members []messages.Member) time.Duration {
	pause := l.beat - took
	for i := range members {
		if left := members[i].Lease; members[i].ID != l.self && left > 0 {
			pause = min(pause, left+behindExpiry)
		}
	}
	return pause
}

// extend counts from before the request was sent: the database cannot have begun
// earlier.
func (l *lease) extend(began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = began.Add(l.ttl)
}

// runs tells whether others must still count this node as a member.
func (l *lease) runs() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.until)
}
