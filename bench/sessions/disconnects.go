package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
	"example.com/parley/bench/socket"
)

// readers is how many responses are read at a time, each over connections that are
// cut.
const readers = 64

// ledger adds up what readers find.
type ledger struct {
	mu                         sync.Mutex
	cuts, responses, lost, bad int
	first                      string
}

// note counts a response, and what was wrong with it.
func (l *ledger) note(faults []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.responses++
	if len(faults) == 0 {
		return
	}
	if l.bad++; l.first == "" {
		l.first = faults[0]
	}
}

// tell writes down what was found.
func (b *bench) tell(name string, l *ledger, figures map[string]float64) {
	figures["responses"], figures["with_gaps_or_repeats"] = float64(l.responses), float64(l.bad)
	b.line.Figure(name, figures)
	b.line.Target(report.Exactly(name+"_with_gaps_or_repeats", 0, float64(l.bad)))
	if l.first != "" {
		report.Say("the first fault: %s", l.first)
	}
}

// drawn is what one of several draws from.
func (b *bench) drawn(n int) *rand.Rand {
	return rand.New(rand.NewPCG(b.seed, uint64(n))) // #nosec G115,G404 -- drawn, not guessed at
}

// disconnect cuts connections wherever they are, and compares what was pieced
// together with what was said.
func (b *bench) disconnect(ctx context.Context) error {
	if err := b.startServer(ctx, roomy, "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=2ms"); err != nil {
		return err
	}
	var l ledger
	var cuts atomic.Int64
	errs := make([]error, readers)
	var group sync.WaitGroup
	for n := range readers {
		group.Go(func() {
			own := b.drawn(n)
			for cuts.Load() < int64(b.disconnects) && errs[n] == nil {
				errs[n] = b.readInPieces(ctx, own, &cuts, &l)
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	page, err := program.Scrape(ctx, b.settings.Admin)
	if err != nil {
		return err
	}
	figures := map[string]float64{"disconnects": float64(cuts.Load())}
	for _, source := range []string{"turn", "store"} {
		figures["resumed_from_"+source] = page.Sum("chatbot_resumes_total", "source", source)
	}
	b.tell("disconnects", &l, figures)
	return nil
}

// readInPieces reads one response over connections that are cut.
func (b *bench) readInPieces(ctx context.Context, own *rand.Rand, cuts *atomic.Int64, l *ledger) error {
	text := socket.Prose(20 + own.IntN(60))
	ask := socket.Create("simulated/echo", text, "")
	r, o := socket.NewReader(), b.caller(own.IntN(4*perAddress))
	for ended := false; !ended; {
		c, done, err := r.Hear(ctx, o, ask, 1+own.IntN(12))
		if err != nil {
			return fmt.Errorf("response %s: %w", r.ID, err)
		}
		if ended = done; ended {
			c.Close()
			break
		}
		if own.IntN(2) == 0 {
			c.Close()
		} else {
			c.Reset()
		}
		cuts.Add(1)
		if err := program.Pause(ctx, time.Duration(own.IntN(40))*time.Millisecond); err != nil {
			return err
		}
	}
	l.note(r.Check(ctx, o, text))
	return nil
}
