package cache

import (
	"context"
	"strings"
	"time"

	"example.com/parley/messages"
)

// replay says a kept reply again. It implements [Answer].
type replay struct {
	ctx     context.Context
	reply   reply
	room    [1]piece // for its pieces: most have one
	id      entryIDRoom
	outcome messages.CacheOutcome
	price   messages.NanoDollars
	pace    time.Duration // between words; 0 says a piece at once
	opened  bool
	piece   int
	said    int // bytes of it
	told    int // of the tail
}

// Next implements [Answer].
func (r *replay) Next() (messages.Chunk, error) {
	if !r.opened {
		r.opened = true
		served := r.reply.Served
		served.Cache = &r.outcome
		return messages.Chunk{Kind: messages.ChunkOpened, Served: &served}, nil
	}
	if r.piece < len(r.reply.Pieces) {
		return r.say()
	}
	r.told++
	return tail(&r.reply, r.told-1)
}

// say says the next piece, or the next word of it at the pace.
func (r *replay) say() (messages.Chunk, error) {
	p := &r.reply.Pieces[r.piece]
	text := p.Text[r.said:]
	if r.pace > 0 {
		if err := r.wait(); err != nil {
			return messages.Chunk{}, err
		}
		text = firstWord(text)
	}
	if r.said += len(text); r.said == len(p.Text) {
		r.piece, r.said = r.piece+1, 0
	}
	return messages.Chunk{Kind: p.Kind, Text: text}, nil
}

func (r *replay) wait() error {
	timer := time.NewTimer(r.pace)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}

// firstWord is a text's first word with the space behind it.
func firstWord(text string) string {
	space := strings.IndexAny(text, " \n")
	if space < 0 {
		return text
	}
	return text[:space+1]
}

// Close implements [Answer].
func (r *replay) Close() error { return nil }

// Saved implements [Answer].
func (r *replay) Saved() messages.NanoDollars { return r.price }
