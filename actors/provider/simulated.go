package provider

import (
	"context"
	"io"
	"time"

	"example.com/parley/messages"
)

// simulation answers without a model: the same words to the same request, one
// token after the other, at a pace like a model's. What it says tells that
// nobody thought about it.
type simulation struct {
	name  string
	think time.Duration // until the first token
	pause time.Duration // between two
}

func newSimulation(name string, s Settings) *simulation {
	return &simulation{name: name, think: s.FirstToken, pause: s.TokenPause}
}

// open implements upstream.
func (s *simulation) open(ctx context.Context, model string, call *messages.Call) (Answer, error) {
	if ctx.Err() != nil {
		return nil, stopped(ctx)
	}
	served := messages.Served{Provider: s.name, Model: model, Simulated: true}
	return &recital{
		ctx: ctx, think: s.think, pause: s.pause, timer: time.NewTimer(s.think),
		script: append([]messages.Chunk{{Kind: messages.ChunkOpened, Served: &served}}, compose(model, call)...),
	}, nil
}

func (*simulation) connections() (idle, busy int) { return 0, 0 }

func (*simulation) close() {}

// recital says its script token by token. It implements [Answer].
type recital struct {
	ctx          context.Context // the call's own
	think, pause time.Duration
	timer        *time.Timer
	script       []messages.Chunk // what is left to say; a text in one piece
}

// Next implements [Answer].
func (r *recital) Next() (messages.Chunk, error) {
	if len(r.script) == 0 {
		return messages.Chunk{}, io.EOF
	}
	c := r.script[0]
	if isToken(c.Kind) {
		select {
		case <-r.timer.C:
			r.timer.Reset(r.pause)
		case <-r.ctx.Done():
			return messages.Chunk{}, stopped(r.ctx)
		}
	}
	c.Text, r.script[0].Text = cutToken(c.Text)
	if r.script[0].Text == "" {
		r.script = r.script[1:]
	}
	return c, nil
}

// isToken tells whether a chunk is something that a model takes time for.
func isToken(kind messages.ChunkKind) bool {
	switch kind {
	case messages.ChunkText, messages.ChunkToolCall:
		return true
	default:
		return false
	}
}

// Close implements [Answer].
func (r *recital) Close() error {
	r.timer.Stop()
	return nil
}
