package provider

import (
	"context"
	"errors"
	"io"
	"slices"

	"example.com/parley/messages"
)

// whole is a reply that came in one piece. It implements [Answer].
type whole struct{ chunks []messages.Chunk }

// Next implements [Answer].
func (w *whole) Next() (messages.Chunk, error) {
	if len(w.chunks) == 0 {
		return messages.Chunk{}, io.EOF
	}
	c := w.chunks[0]
	w.chunks = w.chunks[1:]
	return c, nil
}

// Close implements [Answer]. The connection was given back before.
func (w *whole) Close() error { return nil }

// readWhole reads a reply that is not streamed.
func (c *client) readWhole(ctx context.Context, x *exchange, r reply) (Answer, error) {
	defer x.close()
	buffer := c.bodies.Get().(*[]byte)
	defer c.bodies.Put(buffer)
	body, err := x.readAll((*buffer)[:0], c.settings.MaxReply)
	*buffer = body
	switch {
	case err == nil:
	case errors.Is(err, errTooLong):
		return nil, tooLong(c.name, c.settings.MaxReply)
	case ctx.Err() == nil && !isTimeout(err):
		return nil, brokeOff(c.name)
	default:
		return nil, c.explain(ctx, err, r.stream, r.timeouts.begin(r.stream))
	}
	chunks, err := c.dialect.decodeReply(body)
	if err != nil {
		return nil, c.settings.hideAll(messages.AsFailure(err))
	}
	return c.wholeOf(chunks, r.model)
}

// wholeOf puts the reply in the order that an Answer has.
func (c *client) wholeOf(chunks []messages.Chunk, model string) (Answer, error) {
	if !slices.ContainsFunc(chunks, func(c messages.Chunk) bool { return c.Kind == messages.ChunkFinish }) {
		return nil, brokeOff(c.name)
	}
	if chunks[0].Kind == messages.ChunkOpened {
		chunks[0] = c.opened(*chunks[0].Served, model)
		return &whole{chunks: chunks}, nil
	}
	return &whole{chunks: slices.Insert(chunks, 0, c.opened(messages.Served{}, model))}, nil
}
