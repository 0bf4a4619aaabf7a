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
	b.bytes += chunkOverhead + len(c.Text) + len(c.Opaque) + len(c.Logprobs) + len(c.Extra)
}

func (b *batch) full() bool { return len(b.chunks) >= maxBatchChunks || b.bytes >= maxBatchBytes }
