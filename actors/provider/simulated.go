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
func (s *simulation) open(ctx context.Context, model string, _ int, call *messages.Call) (Answer, error) {
	if ctx.Err() != nil {
		return nil, stopped(ctx)
	}
	served := messages.Served{Provider: s.name, Model: model, Simulated: true}
	return &recital{
		ctx: ctx, due: time.Now().Add(s.think), pause: s.pause,
		script: append([]messages.Chunk{{Kind: messages.ChunkOpened, Served: &served}}, compose(model, call)...),
	}, nil
}

func (*simulation) connections() (idle, busy int) { return 0, 0 }

func (*simulation) close() {}

// recital says its script token by token. It implements [Answer].
type recital struct {
	ctx    context.Context // the call's own
	due    time.Time       // of the next token; a reader who is slow finds those that came meanwhile
	pause  time.Duration
	timer  *time.Timer
	script []messages.Chunk // what is left to say; a text in one piece
}

// Next implements [Answer].
func (r *recital) Next() (messages.Chunk, error) {
	if len(r.script) == 0 {
		return messages.Chunk{}, io.EOF
	}
	c := r.script[0]
	if isToken(c.Kind) {
		if err := r.wait(); err != nil {
			return messages.Chunk{}, err
		}
	}
	c.Text, r.script[0].Text = cutToken(c.Text)
	if r.script[0].Text == "" {
		r.script = r.script[1:]
	}
	return c, nil
}

// wait returns when the next token is due, or when the call ends before.
func (r *recital) wait() error {
	left := time.Until(r.due)
	r.due = r.due.Add(r.pause)
	switch {
	case r.ctx.Err() != nil:
		return stopped(r.ctx)
	case left <= 0:
		return nil
	case r.timer == nil:
		r.timer = time.NewTimer(left)
	default:
		r.timer.Reset(left)
	}
	select {
	case <-r.timer.C:
		return nil
	case <-r.ctx.Done():
		return stopped(r.ctx)
	}
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
	if r.timer != nil {
		r.timer.Stop()
	}
	return nil
}
