package sharded

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// How usage rows are brought home. A turn's end wakes the courier; the tick brings what
// another process left.
const (
	courierTick     = time.Second
	courierPatience = 10 * time.Second // for one round
)

// courier brings the usage rows of turns that ended in other databases to the ledger.
type courier struct {
	databases []*database
	log       *slog.Logger

	woken     chan struct{} // capacity 1
	ended     atomic.Uint64 // turns of this process that left rows
	delivered atomic.Uint64 // of which are home
	round     sync.Mutex    // held by who brings rows

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// startCourier starts what stop ends.
func startCourier(ctx context.Context, databases []*database, log *slog.Logger) *courier {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &courier{databases: databases, log: log, woken: make(chan struct{}, 1), cancel: cancel}
	c.done.Go(func() { c.run(ctx) })
	return c
}

func (c *courier) run(ctx context.Context) {
	ticker := time.NewTicker(courierTick)
	defer ticker.Stop()
	for {
		select {
		case <-c.woken:
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if err := c.deliver(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("usage rows could not be brought to the ledger; they are kept, and tried again", slog.Any("error", err))
		}
	}
}

// stop brings what is left, and ends.
func (c *courier) stop() {
	c.cancel()
	c.done.Wait()
	if err := c.settle(context.Background()); err != nil {
		c.log.Warn("usage rows could not be brought to the ledger; the next start will", slog.Any("error", err))
	}
}

// wake says that a turn left rows.
func (c *courier) wake() {
	c.ended.Add(1)
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// settle returns once what this process left is home: what it reads of the ledger then
// has all that it wrote.
func (c *courier) settle(ctx context.Context) error {
	if c.delivered.Load() == c.ended.Load() {
		return nil
	}
	return c.deliver(ctx)
}

func (c *courier) deliver(ctx context.Context) error {
	c.round.Lock()
	defer c.round.Unlock()
	ctx, cancel := context.WithTimeout(ctx, courierPatience)
	defer cancel()
	ended := c.ended.Load()
	faults := make([]error, 0, len(c.databases)-1)
	for _, d := range c.databases[1:] {
		faults = append(faults, c.empty(ctx, d))
	}
	err := errors.Join(faults...)
	if err == nil {
		c.delivered.Store(ended)
	}
	return err
}

func (c *courier) empty(ctx context.Context, d *database) error {
	for {
		taken, err := d.TakeUsage(ctx, func(ctx context.Context, rows []messages.UsageRow) error {
			return c.databases[0].AppendUsage(ctx, rows)
		})
		if err != nil || taken == 0 {
			return err
		}
	}
}
