package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"example.com/parley/messages"
)

// reply is what is kept of a reply: its text, and what was said about it.
type reply struct {
	Served messages.Served       `json:"served"`
	Pieces []piece               `json:"pieces"`
	Finish messages.FinishReason `json:"finish"`
	Usage  messages.Usage        `json:"usage"`
}

// piece is a stretch of a reply of one kind.
type piece struct {
	Kind messages.ChunkKind `json:"kind"`
	Text string             `json:"text"`
}

// worthwhile is the size, in bytes, from which on a reply is compressed: below it
// the time costs more than the bytes.
const worthwhile = 512

// The first byte of a body says how the rest is written.
const (
	bodyPlain      = 'p'
	bodyCompressed = 'z'
)

// largestBody bounds what a body may unpack to, in bytes, whatever it claims.
const largestBody = 64 << 20

// codec packs and unpacks replies. Its methods may be called at the same time.
type codec struct {
	in  *zstd.Encoder
	out *zstd.Decoder
}

// newCodec returns one that starts no goroutine, and takes memory with its first
// use. With these options neither half fails.
func newCodec() (c codec) {
	c.in, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	c.out, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(largestBody), zstd.WithDecoderLowmem(true))
	return c
}

// pack writes a reply as it is kept.
func (c *codec) pack(r *reply) ([]byte, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("pack a reply: %w", err)
	}
	if len(plain) >= worthwhile {
		if packed := c.in.EncodeAll(plain, []byte{bodyCompressed}); len(packed) < len(plain) {
			return slices.Clip(packed), nil
		}
	}
	return append([]byte{bodyPlain}, plain...), nil
}

// unpack reads what pack wrote. Whatever else the body may be is an error.
func (c *codec) unpack(body []byte) (r *reply, err error) {
	if len(body) == 0 {
		return nil, errors.New("unpack a reply: it is empty")
	}
	plain := body[1:]
	switch body[0] {
	case bodyPlain:
	case bodyCompressed:
		if plain, err = c.out.DecodeAll(plain, nil); err != nil {
			return nil, fmt.Errorf("unpack a reply: %w", err)
		}
	default:
		return nil, fmt.Errorf("unpack a reply: it begins with %q", body[0])
	}
	r = new(reply)
	if err := json.Unmarshal(plain, r); err != nil {
		return nil, fmt.Errorf("unpack a reply: %w", err)
	}
	return r, r.check()
}

// check refuses a reply that no model gave.
func (r *reply) check() error {
	if r.Finish != messages.FinishStop || len(r.Pieces) == 0 {
		return errors.New("unpack a reply: it is not whole")
	}
	for i := range r.Pieces {
		if kind := r.Pieces[i].Kind; kind != messages.ChunkText && kind != messages.ChunkReasoning {
			return fmt.Errorf("unpack a reply: it has a chunk of kind %d", kind)
		}
	}
	return nil
}
