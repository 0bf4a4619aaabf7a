package http

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

const (
	// maxUnsettled bounds how many keys wait for the store at once, and with
	// maxUnsettledBytes what they hold of replies.
	maxUnsettled      = 1024
	maxUnsettledBytes = 32 << 20
	// settleEvery is how often the store is tried again. Retries of the clients
	// come at distances like that.
	settleEvery = 250 * time.Millisecond
	// settleAtOnce bounds one try, so that a store that does not answer delays the
	// others behind it once and not each in turn.
	settleAtOnce = 2 * time.Second
)

var errTooManyUnsettled = errors.New("too many idempotency keys wait for the store")

// settlement is what is to be written of an idempotency key.
type settlement struct {
	what  string // for the log
	bytes int    // that it holds
	until time.Time
	do    func(context.Context) error
}

// unsettled are the idempotency keys whose requests ended while the store was away.
// Until they are settled, whoever comes again with one is told that the first request
// still runs; so they are tried again until the keys would be given up anyway. It is
// safe for concurrent use.
type unsettled struct {
	log  *slog.Logger
	came chan settlement
}

func newUnsettled(log *slog.Logger) *unsettled {
	return &unsettled{log: log, came: make(chan settlement, maxUnsettled)}
}

// add has a settlement tried again. It never blocks: where too many wait, the key is
// found by its deadline.
func (u *unsettled) add(s settlement, failed error) {
	select {
	case u.came <- s:
	default:
		u.giveUp(s, failed)
	}
}

func (u *unsettled) giveUp(s settlement, err error) {
	u.log.Warn("could not "+s.what, slog.Any("error", err))
}

// run settles what it can until ctx ends, and once more then.
func (u *unsettled) run(ctx context.Context) {
	var waiting []settlement
	held := 0
	ticker := time.NewTicker(settleEvery)
	defer ticker.Stop()
	for {
		select {
		case s := <-u.came:
			if len(waiting) >= maxUnsettled || held+s.bytes > maxUnsettledBytes {
				u.giveUp(s, errTooManyUnsettled)
				continue
			}
			waiting, held = append(waiting, s), held+s.bytes
		case <-ticker.C:
			waiting = u.try(context.WithoutCancel(ctx), waiting)
			held = 0
			for i := range waiting {
				held += waiting[i].bytes
			}
		case <-ctx.Done():
			for len(u.came) > 0 {
				waiting = append(waiting, <-u.came)
			}
			for _, s := range u.try(context.WithoutCancel(ctx), waiting) {
				u.giveUp(s, context.Cause(ctx))
			}
			return
		}
	}
}

// try settles those that it can, and returns the others. The first that fails is the
// last that is tried now, and of the next try.
func (u *unsettled) try(ctx context.Context, waiting []settlement) []settlement {
	for i, s := range waiting {
		tried, release := context.WithTimeout(ctx, settleAtOnce)
		err := s.do(tried)
		release()
		if err == nil {
			continue
		}
		left := slices.Clone(waiting[i+1:]) // what was held of the settled ones is let go
		if time.Now().After(s.until) {
			u.giveUp(s, err)
			return left
		}
		return append(left, s)
	}
	return nil
}
