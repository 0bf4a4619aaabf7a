package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"example.com/parley/messages/wire/sse"
)

// reply is what a client read of an answer.
type reply struct {
	end      end
	response string // its id
	text     string
	pieces   []piece // of a stream
	began    time.Time
	first    time.Duration // until the first piece
}

// fault is a reply that breaks the format's own rules.
type fault struct{ what string }

func (f *fault) Error() string { return f.what }

func faulty(format string, args ...any) error { return &fault{fmt.Sprintf(format, args...)} }

const maxEvent = 8 << 20 // bytes; the last event of a response holds all of its text

// events calls take with each event of a stream until it says that it has seen
// the last. A stream that ends before is errLost.
func events(body io.Reader, take func(sse.Event) (last bool, err error)) error {
	reader := sse.NewReader(body, maxEvent)
	for {
		event, err := reader.Next()
		if err != nil {
			return errors.Join(errLost, err)
		}
		last, err := take(event)
		if last || err != nil {
			return err
		}
	}
}

func (r *reply) show(text string) {
	now := time.Now()
	if len(r.pieces) == 0 {
		r.first = now.Sub(r.began)
	}
	r.pieces = append(r.pieces, piece{At: now, Text: text})
}

func (r *reply) shown() string { return (&glimpse{Pieces: r.pieces}).text() }

// name notes the reply's id, which must stay the same.
func (r *reply) name(id string) error {
	if r.response != "" && r.response != id {
		return faulty("a reply is called %s and then %s", r.response, id)
	}
	r.response = id
	return nil
}

func parse(data []byte, value any) error {
	if err := json.Unmarshal(data, value); err != nil {
		return faulty("an event of %d bytes is no JSON: %s", len(data), err)
	}
	return nil
}
