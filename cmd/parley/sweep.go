package main

import (
	"context"
	"log/slog"
	"time"
)

// sweepInterval is how often replies that are kept for idempotency keys are
// looked through for old ones, and the ledger's months for those that come. The
// former are kept for a day, the latter are made two ahead; an hour more is nothing.
const sweepInterval = time.Hour

// sweeping returns what removes, until its context ends, what is kept for a time
// only, and makes what will be needed.
func sweeping(s store, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		ticker := time.NewTicker(sweepInterval)
		defer ticker.Stop()
		for {
			sweepOnce(ctx, s, log)
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func sweepOnce(ctx context.Context, s store, log *slog.Logger) {
	if removed, err := s.SweepIdempotency(ctx, time.Now()); err != nil && ctx.Err() == nil {
		log.Warn("old idempotency keys could not be removed; they will be with the next sweep", slog.Any("error", err))
	} else if removed > 0 {
		log.Info("removed old idempotency keys", slog.Int("count", removed))
	}
	if made, err := s.PrepareMonths(ctx, time.Now()); err != nil && ctx.Err() == nil {
		log.Warn("the ledger's months could not be prepared; they will be with the next sweep", slog.Any("error", err))
	} else if made > 0 {
		log.Info("prepared the ledger's months", slog.Int("count", made))
	}
	eraseDeleted(ctx, s, log)
}

// eraseDeleted takes away what is left of tenants that were deleted: what their
// deletion had no time for, and what turns wrote that ran then.
func eraseDeleted(ctx context.Context, s store, log *slog.Logger) {
	for ctx.Err() == nil {
		removed, err := s.EraseDeleted(ctx)
		if err != nil && ctx.Err() == nil {
			log.Warn("what deleted tenants left could not be erased; it will be with the next sweep", slog.Any("error", err))
		}
		if err != nil || removed == 0 {
			return
		}
		log.Info("erased what deleted tenants left", slog.Int("count", removed))
	}
}
