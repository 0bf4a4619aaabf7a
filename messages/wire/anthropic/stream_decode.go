package anthropic

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// Decoder reads a streamed reply, event by event. Its zero value is ready for
// one stream and is used by one goroutine.
type Decoder struct {
	meter    meter
	finished bool
	calls    int // tool calls so far: their index, which counts no other block
	blocks   map[int]*openBlock
}

// openBlock is a content block between its start and its stop.
type openBlock struct {
	kind      string
	call      int            // index of a tool call
	input     jsontext.Value // of a tool call, as its start had it
	pieces    bool           // of a tool call's input came: they count, not input
	length    int            // of thinking, in bytes
	signature string
}

// event is any event of a stream.
type event struct {
	Type    string       `json:"type"`
	Index   int          `json:"index"`
	Message *message     `json:"message"`
	Block   contentBlock `json:"content_block"`
	Delta   delta        `json:"delta"`
	Usage   usage        `json:"usage"`
	Error   *wireError   `json:"error"`
}

// delta is that of a content block, or of the message.
type delta struct {
	Type        string `json:"type"`
	Text        string `json:"text"`
	Thinking    string `json:"thinking"`
	Signature   string `json:"signature"`
	PartialJSON string `json:"partial_json"`
	StopReason  string `json:"stop_reason"`
}

// Decode reads one event: its name, and its data, which is not kept. done tells
// that the stream is over. An error is a *messages.Failure when the provider
// broke the stream off; with any other the event was malformed, nothing was
// taken from it, and the caller may go on with the next.
func (d *Decoder) Decode(name string, data []byte, emit func(messages.Chunk)) (done bool, err error) {
	var e event
	if err := lenient(data, &e); err != nil {
		return false, fmt.Errorf("read event %q: %w", name, err)
	}
	if e.Type == "" {
		e.Type = name
	}
	switch e.Type {
	case "message_start":
		if e.Message != nil {
			d.open(e.Message, emit)
		}
	case "content_block_start":
		d.startBlock(e.Index, &e.Block, emit)
	case "content_block_delta":
		d.addDelta(e.Index, &e.Delta, emit)
	case "content_block_stop":
		d.stopBlock(e.Index, emit)
	case "message_delta":
		e.Usage.addTo(&d.meter)
		d.finish(e.Delta.StopReason, emit)
	case "message_stop":
		d.report(emit)
		return true, nil
	case "error":
		return true, e.Error.failure(0, 0)
	}
	return false, nil // ping, and what this version of the format does not have yet
}

// Usage returns what the provider reported so far, and whether it reported
// anything: of a stream that was cut, the input is exact and the output is what
// was counted at its start.
func (d *Decoder) Usage() (u messages.Usage, known bool) { return d.meter.usage(), d.meter.known }

func (d *Decoder) open(m *message, emit func(messages.Chunk)) {
	m.Usage.addTo(&d.meter)
	emit(messages.Chunk{
		Kind:   messages.ChunkOpened,
		Served: &messages.Served{Model: m.Model, ServiceTier: m.Usage.ServiceTier},
	})
}

// startBlock begins a block. What runs at the provider, such as a search of its
// own, shows in the text that follows and is left out itself.
func (d *Decoder) startBlock(index int, b *contentBlock, emit func(messages.Chunk)) {
	if d.blocks == nil {
		d.blocks = make(map[int]*openBlock, 1)
	}
	open := &openBlock{kind: b.Type}
	d.blocks[index] = open
	switch b.Type {
	case "text":
		emitText(messages.ChunkText, b.Text, emit)
	case "thinking":
		open.length, open.signature = len(b.Thinking), b.Signature
		emitText(messages.ChunkReasoning, b.Thinking, emit)
	case "redacted_thinking":
		emitOpaque(redactedRecord(b.Data), emit)
	case "tool_use":
		open.call, open.input = d.calls, b.Input
		d.calls++
		emit(messages.Chunk{Kind: messages.ChunkToolCall, Index: open.call, Detail: &messages.ChunkDetail{CallID: b.ID, Name: b.Name}})
	}
}

func (d *Decoder) addDelta(index int, delta *delta, emit func(messages.Chunk)) {
	open, ok := d.blocks[index]
	if !ok {
		return
	}
	switch {
	case delta.Type == "text_delta" && open.kind == "text":
		emitText(messages.ChunkText, delta.Text, emit)
	case delta.Type == "thinking_delta" && open.kind == "thinking":
		open.length += len(delta.Thinking)
		emitText(messages.ChunkReasoning, delta.Thinking, emit)
	case delta.Type == "signature_delta" && open.kind == "thinking":
		open.signature += delta.Signature
	case delta.Type == "input_json_delta" && open.kind == "tool_use" && delta.PartialJSON != "":
		open.pieces = true
		emit(messages.Chunk{Kind: messages.ChunkToolCall, Index: open.call, Text: delta.PartialJSON})
	}
}

// stopBlock emits what is only known at a block's end: a signature, and the
// arguments of a call that sent none in pieces.
func (d *Decoder) stopBlock(index int, emit func(messages.Chunk)) {
	open, ok := d.blocks[index]
	if !ok {
		return
	}
	delete(d.blocks, index)
	switch {
	case open.kind == "thinking":
		emitOpaque(thinkingRecord(open.length, open.signature), emit)
	case open.kind == "tool_use" && !open.pieces:
		emit(messages.Chunk{Kind: messages.ChunkToolCall, Index: open.call, Text: wholeInput(open.input)})
	}
}

// wholeInput is a call's arguments as a start, or a whole reply, has them.
func wholeInput(input jsontext.Value) string {
	if err := input.Compact(); err != nil || input.Kind() != '{' {
		return "{}"
	}
	return string(input)
}

func (d *Decoder) finish(stopReason string, emit func(messages.Chunk)) {
	if stopReason == "" || d.finished {
		return
	}
	d.finished = true
	emit(messages.Chunk{Kind: messages.ChunkFinish, Finish: finishOf(stopReason)})
}

func (d *Decoder) report(emit func(messages.Chunk)) {
	if !d.meter.known {
		return
	}
	u := d.meter.usage()
	emit(messages.Chunk{Kind: messages.ChunkUsage, Usage: &u})
}

func emitText(kind messages.ChunkKind, text string, emit func(messages.Chunk)) {
	if text != "" {
		emit(messages.Chunk{Kind: kind, Text: text})
	}
}

func emitOpaque(record string, emit func(messages.Chunk)) {
	if record != "" {
		emit(messages.Chunk{Kind: messages.ChunkReasoning, Detail: &messages.ChunkDetail{Opaque: record}})
	}
}
