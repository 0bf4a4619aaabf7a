package openai

import (
	"strconv"
	"unicode/utf8"

	"example.com/parley/messages"
)

// responseEvents writes the events of a response, numbers them, and leaves out
// those that the client has.
type responseEvents struct {
	sequence int64 // of the last event
	after    int64

	// The item that is open, and the last piece of it that was.
	open  bool
	piece piece
	index int    // of the piece; -1 before the first
	sent  int    // bytes of it
	head  []byte // a delta up to its number
	tail  []byte // and from there to its text
}

// pieceKind is a kind of text that an item consists of.
type pieceKind uint8

const (
	pieceText pieceKind = iota
	pieceRefusal
	pieceSummary
	pieceArguments
)

// pieceEvents are what the events of a piece are called.
type pieceEvents struct {
	delta, done string
	partAdded   string // empty for what is no part
	partDone    string
	index       string // the member that has the part's index
	text        string // the member of the done event that has the whole text
}

func (k pieceKind) events() pieceEvents {
	switch k {
	case pieceText:
		return pieceEvents{
			delta: "response.output_text.delta", done: "response.output_text.done",
			partAdded: "response.content_part.added", partDone: "response.content_part.done",
			index: "content_index", text: "text",
		}
	case pieceRefusal:
		return pieceEvents{
			delta: "response.refusal.delta", done: "response.refusal.done",
			partAdded: "response.content_part.added", partDone: "response.content_part.done",
			index: "content_index", text: "refusal",
		}
	case pieceSummary:
		return pieceEvents{
			delta: "response.reasoning_summary_text.delta", done: "response.reasoning_summary_text.done",
			partAdded: "response.reasoning_summary_part.added", partDone: "response.reasoning_summary_part.done",
			index: "summary_index", text: "text",
		}
	default:
		return pieceEvents{
			delta: "response.function_call_arguments.delta", done: "response.function_call_arguments.done",
			text: "arguments",
		}
	}
}

// piece is one text of an item.
type piece struct {
	kind pieceKind
	text string
}

// piecesOf takes an item of output apart.
func piecesOf(item *messages.Item) []piece {
	switch item.Kind {
	case messages.ItemToolCall:
		return []piece{{pieceArguments, item.Args}}
	case messages.ItemReasoning:
		return piecesOfParts(item.Parts, pieceSummary)
	default:
		return piecesOfParts(item.Parts, pieceText)
	}
}

func piecesOfParts(parts []messages.Part, kind pieceKind) []piece {
	pieces := make([]piece, len(parts))
	for i := range parts {
		pieces[i] = piece{kind, parts[i].Text}
		if parts[i].Kind == messages.PartRefusal {
			pieces[i].kind = pieceRefusal
		}
	}
	return pieces
}

// begin counts an event and opens it, unless the client has it.
func (e *responseEvents) begin(dst []byte, kind string) (w object, wanted bool) {
	e.sequence++
	if e.sequence <= e.after {
		return object{dst: dst}, false
	}
	dst = append(append(append(dst, "event: "...), kind...), "\ndata: "...)
	w = begin(dst)
	w.string("type", kind)
	w.int("sequence_number", e.sequence)
	return w, true
}

func endEvent(w object) []byte { return append(w.end(), "\n\n"...) }

func (e *responseEvents) appendResponse(dst []byte, kind string, r *messages.TurnRecord, output []messages.Item) []byte {
	w, wanted := e.begin(dst, kind)
	if !wanted {
		return w.dst
	}
	w.name("response")
	w.dst = AppendResponse(w.dst, r, output)
	return endEvent(w)
}

func (e *responseEvents) appendEnd(dst []byte, r *messages.TurnRecord, output []messages.Item) []byte {
	kind := "response.completed"
	switch r.Status {
	case messages.TurnFailed:
		kind = "response.failed"
	case messages.TurnPartial, messages.TurnCancelled: // the latter has no event of its own
		kind = "response.incomplete"
	}
	if r.Reason == messages.ReasonServerRestart { // what was shown may reach further than what was stored
		e.after = min(e.after, e.sequence)
	}
	return e.appendResponse(dst, kind, r, output)
}

// appendItem writes what is new of the item at a place of the output.
// probabilities are those of its last delta.
func (e *responseEvents) appendItem(dst []byte, item *messages.Item, place int, probabilities []byte) []byte {
	if !e.open {
		e.open, e.index = true, -1
		dst = e.appendItemEvent(dst, "response.output_item.added", emptied(item), place, statusInProgress)
	}
	pieces := piecesOf(item)
	for i := max(e.index, 0); i < len(pieces); i++ {
		if i > e.index {
			dst = e.openPiece(dst, item, pieces[i], place, i)
		}
		if i == len(pieces)-1 {
			return e.appendDelta(dst, pieces[i].text[e.sent:], probabilities)
		}
		dst = e.appendDelta(dst, pieces[i].text[e.sent:], nil)
		dst = e.closePiece(dst, item, pieces[i], place, i)
	}
	return dst
}

// endItem writes that the item is done.
func (e *responseEvents) endItem(dst []byte, item *messages.Item, place int) []byte {
	if pieces := piecesOf(item); len(pieces) > 0 {
		last := len(pieces) - 1
		dst = e.closePiece(dst, item, pieces[last], place, last)
	}
	e.open = false
	return e.appendItemEvent(dst, "response.output_item.done", item, place, itemStatus(item))
}

// emptied is an item as it begins.
func emptied(item *messages.Item) *messages.Item {
	begun := *item
	begun.Parts, begun.Args, begun.Opaque = nil, "", ""
	return &begun
}

func (e *responseEvents) appendItemEvent(dst []byte, kind string, item *messages.Item, place int, status string) []byte {
	w, wanted := e.begin(dst, kind)
	if !wanted {
		return w.dst
	}
	w.int("output_index", int64(place))
	w.name("item")
	w.dst = appendItem(w.dst, item, status)
	return endEvent(w)
}

func (e *responseEvents) openPiece(dst []byte, item *messages.Item, p piece, place, index int) []byte {
	e.piece, e.index, e.sent = p, index, 0
	names := p.kind.events()
	e.head = append(append(append(e.head[:0], "event: "...), names.delta...), "\ndata: "...)
	e.head = append(append(append(e.head, `{"type":"`...), names.delta...), `","sequence_number":`...)
	tail := object{dst: append(e.tail[:0], ','), begun: false}
	tail.where(names, item, place, index)
	tail.name("delta")
	e.tail = tail.dst
	return e.appendPart(dst, names.partAdded, item, piece{kind: p.kind}, place, index)
}

// where says which piece of which item an event is about.
func (o *object) where(names pieceEvents, item *messages.Item, place, index int) {
	o.string("item_id", string(item.ID))
	o.int("output_index", int64(place))
	if names.index != "" {
		o.int(names.index, int64(index))
	}
}

// appendPart writes that a part was added or done. A piece that is no part has
// no such event.
func (e *responseEvents) appendPart(dst []byte, kind string, item *messages.Item, p piece, place, index int) []byte {
	if kind == "" {
		return dst
	}
	w, wanted := e.begin(dst, kind)
	if !wanted {
		return w.dst
	}
	w.where(p.kind.events(), item, place, index)
	w.name("part")
	part := begin(w.dst)
	switch p.kind {
	case pieceText:
		part.outputText(p.text)
	case pieceRefusal:
		part.string("type", "refusal")
		part.string("refusal", p.text)
	default:
		part.string("type", "summary_text")
		part.string("text", p.text)
	}
	w.dst = part.end()
	return endEvent(w)
}

func (e *responseEvents) closePiece(dst []byte, item *messages.Item, p piece, place, index int) []byte {
	names := p.kind.events()
	if w, wanted := e.begin(dst, names.done); wanted {
		w.where(names, item, place, index)
		w.string(names.text, p.text)
		switch p.kind {
		case pieceText:
			w.raw("logprobs", []byte("[]"))
		case pieceArguments:
			w.string("name", item.Name)
		}
		dst = endEvent(w)
	}
	return e.appendPart(dst, names.partDone, item, p, place, index)
}

// continues tells whether the chunk goes on with the piece that is open.
func (e *responseEvents) continues(c *messages.Chunk) bool {
	if !e.open || e.index < 0 {
		return false
	}
	switch c.Kind {
	case messages.ChunkText:
		return e.piece.kind == pieceText
	case messages.ChunkRefusal:
		return e.piece.kind == pieceRefusal
	case messages.ChunkReasoning:
		return e.piece.kind == pieceSummary
	default:
		return e.piece.kind == pieceArguments
	}
}

// appendDelta writes more of the piece that is open. It counts as many events as
// it has bytes; where the client has some of them, it gets the rest.
func (e *responseEvents) appendDelta(dst []byte, text string, probabilities []byte) []byte {
	if text == "" {
		return dst
	}
	before := e.sequence
	e.sequence += int64(len(text))
	e.sent += len(text)
	if e.sequence <= e.after {
		return dst
	}
	if before < e.after {
		text = fromRune(text, int(e.after-before))
	}
	dst = append(dst, e.head...)
	dst = strconv.AppendInt(dst, e.sequence, 10)
	dst = append(dst, e.tail...)
	dst = appendString(dst, text)
	if e.piece.kind == pieceText {
		dst = append(dst, `,"logprobs":[`...)
		if len(probabilities) > 0 {
			var l logprobs
			l.add(probabilities)
			dst = append(dst, l.content...)
		}
		dst = append(dst, ']')
	}
	return append(dst, "}\n\n"...)
}

// fromRune returns text from place at, or from the start of the character that
// at is inside of.
func fromRune(text string, at int) string {
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return text[at:]
}
