package openai

import (
	"strconv"

	"example.com/parley/messages"
)

// A stream that the server cuts, while its turn goes on or is stored, ends with an
// error that says where the rest is to be read.

// Cut writes behind dst that the stream ends here because of f, and that the rest
// can be read later, where the turn is kept. The error has the number of the event
// before it: whoever goes on behind the highest number that he saw misses nothing.
func (s *ResponseStream) Cut(dst []byte, f *messages.Failure, kept bool) []byte {
	if !kept {
		return appendErrorEvent(dst, ErrorOf(f), max(s.events.sequence, 0), nil)
	}
	if s.events.after < 0 {
		dst = s.appendPreamble(dst) // so that there is a number to go on from
	}
	last := max(s.events.sequence, s.events.after)
	id := ResponseID(s.id)
	return appendErrorEvent(dst, resumable(f, id, "&starting_after="+strconv.FormatInt(last, 10)), last, func(w *object) {
		w.string("response_id", id)
		w.int("starting_after", last)
	})
}

// Cut writes behind dst that the stream ends here because of f, and under which
// name the whole can be read later, where the turn is kept.
func (s *ChatStream) Cut(dst []byte, f *messages.Failure, kept bool) []byte {
	w := begin(append(dst, "data: "...))
	w.name("error")
	o := begin(w.dst)
	if kept {
		o.error(resumable(f, ChatID(s.ID), ""))
		o.string("response_id", ResponseID(s.ID))
	} else {
		o.error(ErrorOf(f))
	}
	w.dst = o.end()
	return endEvent(w)
}

// resumable says of a failure how to read on.
func resumable(f *messages.Failure, id, cursor string) Error {
	e := ErrorOf(&messages.Failure{Code: f.Code, What: f.What, Param: f.Param})
	e.Message += "; read the rest with GET /v1/responses/" + id + "?stream=true" + cursor
	return e
}

// appendErrorEvent writes an error as an event of its own, with what else is to be
// said in it.
func appendErrorEvent(dst []byte, e Error, sequence int64, more func(*object)) []byte {
	w := begin(append(dst, "event: error\ndata: "...))
	w.string("type", "error")
	w.stringOrNull("code", e.Code)
	w.string("message", e.Message)
	w.stringOrNull("param", e.Param)
	w.int("sequence_number", sequence)
	if more != nil {
		more(&w)
	}
	return endEvent(w)
}
