package socket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// Event is an event of a response, as far as a reader looks at it.
type Event struct {
	Type     string
	Sequence int64 `json:"sequence_number"`
	Delta    string
	Response struct {
		ID      string
		Status  string
		Details struct{ Reason string } `json:"incomplete_details"`
		Output  []struct{ Content []struct{ Text string } }
	}
	Error struct{ Code, Message string }
	Hint  *int64 `json:"reconnect_after_ms"` // of session.draining
}

// IsLast tells whether nothing follows.
func (e *Event) IsLast() bool {
	return e.Type == "response.completed" || e.Type == "response.incomplete" || e.Type == "response.failed"
}

// Text is that of a response which has ended.
func (e *Event) Text() (text string) {
	for _, item := range e.Response.Output {
		for _, part := range item.Content {
			text += part.Text
		}
	}
	return text
}

// Reader pieces one response together over any number of connections, and checks
// what comes as it comes. One goroutine uses it.
type Reader struct {
	ID     string       // empty until the response was named
	Cursor int64        // number of the last event; -1 before the first
	Kinds  []string     // of the events that are no deltas, with their numbers
	Last   *Event       // nil until the response has ended
	Closed *ClosedError // how the server closed the last connection; nil where it did not
	Cuts   int          // errors that said that the server cut the response off
	Drains int          // announcements that the server stops
	Faults []string     // gaps, repeats and whatever else should not be

	said strings.Builder
}

// NewReader returns one that has read nothing.
func NewReader() *Reader { return &Reader{Cursor: -1} }

// Text is that of all deltas.
func (r *Reader) Text() string { return r.said.String() }

func (r *Reader) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

// readWithin is how long a server may say nothing in the middle of a response.
const readWithin = 30 * time.Second

// Hear opens a connection, asks for the response with create, or for what follows
// if it has begun already, takes at most so many events, and leaves the connection
// to the caller, who cuts or closes it. It returns whether the response has ended;
// an error says that it was not the connection which broke.
func (r *Reader) Hear(ctx context.Context, o Options, create string, most int) (c *Conn, ended bool, err error) {
	if c, err = Dial(ctx, o); err != nil {
		return nil, false, err
	}
	ended, err = r.Continue(c, create, most)
	return c, ended, err
}

// Continue is Hear on a connection that there is.
func (r *Reader) Continue(c *Conn, create string, most int) (ended bool, err error) {
	if r.ID != "" {
		create = fmt.Sprintf(`{"type":"response.resume","response_id":%q,"starting_after":%d}`, r.ID, r.Cursor)
	}
	if err := c.Send(create); err != nil {
		return false, unlessCut(err)
	}
	return r.ReadOn(c, most)
}

// ReadOn takes at most so many messages that come by themselves. It returns as
// Continue does; Closed says how the connection ended.
func (r *Reader) ReadOn(c *Conn, most int) (ended bool, err error) {
	for n := 0; n < most; n++ {
		c.SetDeadline(time.Now().Add(readWithin))
		message, err := c.Next()
		if err != nil {
			r.Closed, _ = IsClosed(err)
			return false, unlessCut(err)
		}
		if err := r.take(message); err != nil {
			return false, err
		}
		if r.Last != nil {
			return true, nil
		}
	}
	return false, nil
}

// unlessCut is nil for a connection that broke, and for a server that has closed
// it.
func unlessCut(err error) error {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fmt.Errorf("nothing came within %s: %w", readWithin, err)
	}
	return nil
}

// take checks that a message is the next event.
func (r *Reader) take(message []byte) error {
	var e Event
	if err := json.Unmarshal(message, &e); err != nil {
		return fmt.Errorf("read a message: %w", err)
	}
	if e.Type == "session.draining" {
		r.Drains++
		if e.Hint == nil {
			r.fault("the server stops without a hint when to come back")
		}
		return nil
	}
	if e.Type == "error" {
		if e.Error.Code == "shutting_down" {
			r.Cuts++ // behind it comes the close
			return nil
		}
		return fmt.Errorf("behind %d came %s: %s", r.Cursor, e.Error.Code, e.Error.Message)
	}
	if r.ID == "" {
		r.ID = e.Response.ID
	}
	r.takeEvent(&e)
	return nil
}

func (r *Reader) takeEvent(e *Event) {
	if e.IsLast() {
		r.Last = e
	}
	switch {
	case e.Delta != "":
		if want := r.Cursor + int64(len(e.Delta)); e.Sequence != want {
			r.fault("a delta of %d bytes behind number %d has number %d", len(e.Delta), r.Cursor, e.Sequence)
		}
		r.said.WriteString(e.Delta)
	case e.IsLast() && e.Response.Details.Reason == "server_restart" && e.Sequence <= r.Cursor:
		return // what was shown reached further than what was stored
	default:
		if e.Sequence != r.Cursor+1 {
			r.fault("%s behind number %d has number %d", e.Type, r.Cursor, e.Sequence)
		}
		r.Kinds = append(r.Kinds, fmt.Sprintf("%d %s", e.Sequence, e.Type))
	}
	r.Cursor = e.Sequence
}

// Check compares what was pieced together with the text that it should be, and with
// the response read at once. It returns all faults there are.
func (r *Reader) Check(ctx context.Context, o Options, text string) []string {
	if r.Text() != text {
		r.fault("the text has %d bytes, not %d", len(r.Text()), len(text))
	}
	if r.Last == nil || r.Last.Type != "response.completed" || r.Last.Text() != text {
		r.fault("it ends with %+v", r.Last)
	}
	whole := NewReader()
	whole.ID = r.ID
	c, _, err := whole.Hear(ctx, o, "", 1<<30)
	if c != nil {
		c.Close()
	}
	if err != nil {
		r.fault("read at once: %v", err)
	} else if whole.Text() != r.Text() || !slices.Equal(whole.Kinds, r.Kinds) {
		r.fault("read at once it is\n%v, in pieces\n%v", whole.Kinds, r.Kinds)
	}
	return append(r.Faults, whole.Faults...)
}

// CheckCut checks what a reader has that read on behind a restart of the server:
// the end of the response, of which nothing may be missing that was stored. Where
// durable is true, nothing was shown before it was stored.
func (r *Reader) CheckCut(text string, seen int, durable bool) []string {
	if r.Last == nil {
		return append(r.Faults, "it has no end")
	}
	kept := r.Last.Text()
	switch {
	case r.Last.Response.Status == "completed" && kept == text: // it had ended before
	case r.Last.Response.Details.Reason != "server_restart" || !strings.HasPrefix(text, kept):
		r.fault("it ends with %+v", r.Last)
	case durable && len(kept) < seen:
		r.fault("%d bytes are left of %d, which were shown once they were stored", len(kept), seen)
	case len(kept) >= seen && r.Text() != kept:
		r.fault("pieced together it has %d bytes, the store %d", len(r.Text()), len(kept))
	}
	return r.Faults
}
