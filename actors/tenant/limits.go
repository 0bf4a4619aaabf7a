package tenant

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Props returns the limiter's actor, which sees to it that the limiter knows what
// it needs and forgets what it does not. Requests go on while it restarts.
func (l *Limiter) Props() *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &limitKeeper{limiter: l} })
}

// limitKeeper is the actor.
type limitKeeper struct {
	limiter *Limiter
	cancel  context.CancelFunc // ends the goroutines that it started
}

// sweepHolders has the actor forget the holders that are as if they were never
// there.
type sweepHolders struct{}

const holderSweep = 10 * time.Second

// Receive implements actor.Actor.
func (k *limitKeeper) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		k.begin(ctx)
	case sweepHolders:
		k.limiter.sweep()
	case *actor.Stopping, *actor.Restarting:
		k.cancel()
	}
}

func (k *limitKeeper) begin(ctx actor.Context) {
	running, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	root, self := ctx.ActorSystem().Root, ctx.Self()
	go every(running, holderSweep, func() { root.Send(self, sweepHolders{}) })
}

// every calls f again and again until ctx ends.
func every(ctx context.Context, pause time.Duration, f func()) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			f()
		case <-ctx.Done():
			return
		}
	}
}

// sweep forgets the holders that nobody uses and whose buckets are full: they
// would begin so again.
func (l *Limiter) sweep() {
	now := l.clock()
	l.holders.each(func(h *holder) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.idle(now) {
			h.gone = true
			l.holders.remove(h)
		}
	})
}
