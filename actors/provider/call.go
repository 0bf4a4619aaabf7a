package provider

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/parking"
)

// attempt is one call with its account: it is counted while it runs, and its
// end is reported once. It implements [Answer] around the upstream's.
type attempt struct {
	handle  *Handle
	model   string
	key     int          // its number
	claim   *atomic.Bool // of a probe, which goes through a half-open breaker that waits for its report
	started time.Time
	answer  Answer
	pace    *pace // of the model, for calls of this kind

	stream     bool
	beside     int64         // calls at once when it began, with itself
	firstByte  time.Duration // zero until the provider has answered
	firstEvent time.Duration // of a stream; zero until it came
	heard      bool          // the actor was told of it
	firstToken time.Duration // of a stream; zero until it came
	spoken     bool          // a delta came
	over       bool
}

// open makes the call. A panic in a dialect is the turn's failure; here it must
// only not leave the call counted.
func (a *attempt) open(ctx context.Context, call *messages.Call) (Answer, error) {
	a.stream = call.Stream
	a.beside = a.handle.inFlight.Add(1)
	if call.Began != nil {
		call.Began()
	}
	a.pace = a.handle.paces.add(a.model).of(call.Stream)
	defer func() {
		if a.answer == nil && !a.over {
			a.end(messages.Outcome{Kind: messages.OutcomeLocal})
		}
	}()
	answer, err := a.openWithAnyKey(ctx, call)
	if err != nil {
		a.end(outcomeOf(err))
		return nil, err
	}
	a.answer, a.firstByte = answer, time.Since(a.started)
	return a, nil
}

// openWithAnyKey makes the call with the next free key, and with those behind it
// while each turns out to be limited.
func (a *attempt) openWithAnyKey(ctx context.Context, call *messages.Call) (Answer, error) {
	h, start := a.handle, a.handle.nextKey(call.Affinity)
	key, _ := h.health.Load().freeKey(a.model, h.keys, start, 0, a.started)
	for tried := uint64(0); ; {
		a.key = max(0, key)
		answer, err := h.upstream.open(ctx, a.model, a.key, call)
		if err == nil || !mayUseAnotherKey(err) || ctx.Err() != nil {
			return answer, err
		}
		tried |= 1 << a.key
		if key, _ = h.health.Load().freeKey(a.model, h.keys, start, tried, time.Now()); key < 0 {
			return nil, err
		}
		o := outcomeOfKey(err)
		h.metrics.ended(a.model, o)
		h.report(&ended{model: a.model, key: a.key, began: a.started, outcome: o})
	}
}

// Next implements [Answer].
func (a *attempt) Next() (messages.Chunk, error) {
	c, err := a.answer.Next()
	switch {
	case err == nil:
		a.hear(c)
	case errors.Is(err, io.EOF):
		a.end(messages.Outcome{Kind: messages.OutcomeSuccess})
	default:
		a.end(outcomeOf(err))
	}
	return c, err
}

// Await returns false when Next has something to say, or may have, and true where w is
// to be resumed then. Few answers know that beforehand, and the others wait in Next.
func (a *attempt) Await(w parking.Waiter) (parked bool) {
	s, streams := a.answer.(*stream)
	return streams && s.await(w)
}

// hear notices the first delta, which is when a reader first sees something. A
// probe is decided by it: its reply may go on for minutes. What a reply has cost
// is told of one that broke off before as well.
func (a *attempt) hear(c messages.Chunk) {
	if c.Kind == messages.ChunkOpened {
		a.hearFirstEvent()
	}
	if a.spoken || c.Kind == messages.ChunkOpened || c.Kind == messages.ChunkUsage {
		return
	}
	a.spoken = true
	waited := time.Since(a.started)
	a.handle.metrics.sawFirstToken(a.model, waited)
	a.pace.saw(waited, a.started.Add(waited))
	if a.stream {
		a.firstToken = waited
	}
	if a.claim != nil {
		a.report(messages.Outcome{Kind: messages.OutcomeSuccess})
		a.claim = nil
	}
}

// hearFirstEvent times the beginning of a stream. That of a reply in one piece is
// its end, which says nothing about how busy the provider is.
func (a *attempt) hearFirstEvent() {
	if _, isWhole := a.answer.(*whole); isWhole || !a.stream || a.firstEvent > 0 {
		return
	}
	a.firstEvent = time.Since(a.started)
	if a.heard = a.handle.isInUse(); a.heard {
		a.handle.tellActor(&heard{observation{
			model: a.model, began: a.started, beside: int(a.beside), firstByte: a.firstEvent,
		}})
	}
}

// Close implements [Answer]. Whoever closes early has lost interest, which says
// nothing of the provider.
func (a *attempt) Close() error {
	err := a.answer.Close()
	a.end(messages.Outcome{Kind: messages.OutcomeCancelled})
	return err
}

func (a *attempt) end(o messages.Outcome) {
	if a.over {
		return
	}
	a.over = true
	a.handle.inFlight.Add(-1)
	o = a.report(o)
	a.handle.metrics.ended(a.model, o)
	if !a.spoken {
		a.pace.learnFrom(o, a.started.Add(o.Total))
	}
	a.handle.room.freed()
}

// report tells the actor how the call went, as far as it has gone.
func (a *attempt) report(o messages.Outcome) messages.Outcome {
	o.Probe, o.FirstByte, o.Total = a.claim != nil, a.firstByte, time.Since(a.started)
	a.handle.report(&ended{
		model: a.model, key: a.key, began: a.started, claim: a.claim, firstToken: a.firstToken, outcome: o,
		firstByte: a.firstEvent, beside: int(a.beside), heard: a.heard,
	})
	return o
}
