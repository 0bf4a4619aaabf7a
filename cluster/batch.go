package cluster

import (
	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// A batch is sent once it is so long, or nothing more has come.
const (
	maxBatchChunks = 64
	maxBatchBytes  = 32 << 10
	chunkOverhead  = 64 // bytes of a chunk beside its text, about
)

// batch puts chunks together.
type batch struct {
	chunks []*remote.Chunk
	bytes  int
	ended  bool // it has the stream's end, behind which nothing comes
}

func newBatch(first *messages.Chunk) *batch {
	b := &batch{}
	b.add(first)
	return b
}

func (b *batch) add(c *messages.Chunk) {
	b.ended = b.ended || c.Kind == messages.ChunkEnd
	b.chunks = append(b.chunks, remote.ToChunk(c))
	b.bytes += chunkOverhead + c.Size()
}

func (b *batch) full() bool { return len(b.chunks) >= maxBatchChunks || b.bytes >= maxBatchBytes }

// gather puts what is there behind a chunk together with it; where nobody sees a reply
// before it is whole, also what is still to come, as far as a batch goes.
func gather(first *messages.Chunk, chunks <-chan messages.Chunk, seen bool) *batch {
	b := newBatch(first)
	for !b.full() {
		chunk, came := next(chunks, !seen)
		if !came {
			break
		}
		b.add(&chunk)
	}
	return b
}

// next returns a chunk that is there, or that is waited for.
func next(chunks <-chan messages.Chunk, wait bool) (chunk messages.Chunk, came bool) {
	if wait {
		chunk, came = <-chunks
		return chunk, came
	}
	select {
	case chunk, came = <-chunks:
	default:
	}
	return chunk, came
}
