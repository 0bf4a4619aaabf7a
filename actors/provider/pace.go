package provider

import (
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// pace is how long a model takes to begin an answer: a mean that forgets with
// time, and jumps up to any call that takes longer (peak EWMA). So one slow answer
// is noticed at once, and forgiven after a while also by a model that is not called
// any more. Its zero value knows nothing. It is safe for concurrent use.
type pace struct {
	// packed is the microseconds in its lower half and the moment in its upper
	// one, so that both change at once.
	packed atomic.Uint64
}

const (
	paceMemory = 10 * time.Second       // an answer of then counts a third
	paceTick   = 100 * time.Millisecond // of the moment; it comes round after 13 years
	longestFor = time.Hour              // to begin an answer; fits 32 bits of microseconds
)

// at is what a call is expected to wait now; zero where nothing is known any
// more.
func (p *pace) at(now time.Time) time.Duration {
	mean, _ := unpack(p.packed.Load(), now)
	return mean
}

// saw takes in a call that began its answer after so long.
func (p *pace) saw(took time.Duration, now time.Time) {
	p.change(now, func(mean time.Duration, share float64) time.Duration {
		if took > mean {
			return took
		}
		return took + time.Duration(share*float64(mean-took))
	})
}

// leastFailure is what a failure counts as, however fast it came: to be refused
// quickly must not look like being served quickly.
const leastFailure = time.Second

// failed takes in a call that got no answer. It makes a model no faster.
func (p *pace) failed(after time.Duration, now time.Time) {
	p.change(now, func(mean time.Duration, share float64) time.Duration {
		return max(after, 2*time.Duration(share*float64(mean)), leastFailure)
	})
}

// change replaces the mean. It is told the mean without what was forgotten, and
// how much that weighs.
func (p *pace) change(now time.Time, next func(mean time.Duration, share float64) time.Duration) {
	for {
		old := p.packed.Load()
		_, share := unpack(old, now)
		mean := time.Duration(old&math.MaxUint32) * time.Microsecond // #nosec G115 -- 32 bits
		if p.packed.CompareAndSwap(old, pack(next(mean, share), now)) {
			return
		}
	}
}

func pack(mean time.Duration, now time.Time) uint64 {
	micros := uint64(min(max(mean, time.Microsecond), longestFor) / time.Microsecond) // #nosec G115 -- above 0
	return uint64(paceMoment(now))<<32 | micros
}

// unpack returns the mean as time has made it, and the share that is left of it.
func unpack(packed uint64, now time.Time) (mean time.Duration, share float64) {
	then, micros := uint32(packed>>32), packed&math.MaxUint32 // #nosec G115 -- its halves
	passed := int32(paceMoment(now) - then)                   // #nosec G115 -- below 0 where another goroutine looked at the clock later
	share = math.Exp(-float64(max(passed, 0)) * paceTick.Seconds() / paceMemory.Seconds())
	return time.Duration(share*float64(micros)) * time.Microsecond, share
}

func paceMoment(now time.Time) uint32 {
	return uint32(now.UnixMilli() / paceTick.Milliseconds()) // #nosec G115 -- it may come round
}

// modelPace is a model's, of streams and of answers in one piece, which take as
// long as all of a stream.
type modelPace struct{ streamed, whole pace }

func (m *modelPace) of(streamed bool) *pace {
	if streamed {
		return &m.streamed
	}
	return &m.whole
}

// paces are a provider's, by model. Its zero value is empty. It is safe for
// concurrent use.
type paces struct {
	adding sync.Mutex
	models atomic.Pointer[map[string]*modelPace] // replaced as a whole
}

// maxPaces is how many models of one provider are known apart: clients may ask
// for any name. The others share one.
const maxPaces = 256

// of returns a model's, or nil where it was never called.
func (p *paces) of(model string) *modelPace {
	models := p.models.Load()
	if models == nil {
		return nil
	}
	if found := (*models)[model]; found != nil || len(*models) < maxPaces {
		return found
	}
	return (*models)[""]
}

// add returns a model's, which it makes where there is none.
func (p *paces) add(model string) *modelPace {
	if found := p.of(model); found != nil {
		return found
	}
	p.adding.Lock()
	defer p.adding.Unlock()
	if found := p.of(model); found != nil {
		return found
	}
	next := make(map[string]*modelPace)
	if models := p.models.Load(); models != nil {
		maps.Copy(next, *models)
	}
	if len(next) == maxPaces-1 {
		model = "" // the rest's
	}
	added := new(modelPace)
	next[model] = added
	p.models.Store(&next)
	return added
}

// waited takes in a call that was given up: its answer would have taken longer.
func (p *pace) waited(long time.Duration, now time.Time) {
	if long > p.at(now) {
		p.saw(long, now)
	}
}

// learnFrom takes in how a call ended that had not begun its answer. What the
// request or this server itself did wrong says nothing.
func (p *pace) learnFrom(o messages.Outcome, now time.Time) {
	switch o.Kind {
	case messages.OutcomeFailed, messages.OutcomeTimedOut, messages.OutcomeRateLimited:
		p.failed(o.Total, now)
	case messages.OutcomeCancelled: // its client left, or another answered sooner
		p.waited(o.Total, now)
	}
}
