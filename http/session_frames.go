package http

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// The frames of RFC 6455 that a server sends.
const (
	finalFrame      = 0x80
	compressedFrame = 0x40
	textFrame       = finalFrame | 1
	closeFrame      = finalFrame | 8
	pingFrame       = finalFrame | 9
	pongFrame       = finalFrame | 10

	maxFrameHeader = 10
	maxCloseReason = 123 // bytes
)

// appendFrame writes a message as one frame. A server's frames are not masked.
func appendFrame[Payload string | []byte](dst []byte, first byte, payload Payload) []byte {
	return append(appendFrameHeader(dst, first, len(payload)), payload...)
}

func appendFrameHeader(dst []byte, first byte, length int) []byte {
	switch {
	case length < 126:
		return append(dst, first, byte(length)) // #nosec G115 -- checked above
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, first, 126), uint16(length)) // #nosec G115 -- checked above
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, 127), uint64(length)) // #nosec G115 -- no length is negative
	}
}

// appendClose writes a frame that says why a connection is closed.
func appendClose(dst []byte, code int, reason string) []byte {
	for len(reason) > maxCloseReason || !utf8.ValidString(reason) {
		reason = reason[:len(reason)-1]
	}
	dst = appendFrameHeader(dst, closeFrame, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code)) // #nosec G115 -- codes have four digits
	return append(dst, reason...)
}

// frameEnd is the end of a frame that is the first at n or behind it. Frames are
// whole.
func frameEnd(frames []byte, n int) (end int) {
	for end < n && end < len(frames) {
		header, length := 2, int(frames[end+1])
		switch length {
		case 126:
			header, length = 4, int(binary.BigEndian.Uint16(frames[end+2:]))
		case 127:
			header, length = 10, int(binary.BigEndian.Uint64(frames[end+2:])) // #nosec G115 -- it was written here
		}
		end += header + length
	}
	return end
}

// messageWriter turns a format's event stream into WebSocket messages: the same
// objects, without their framing, with the name of their lane where that has one.
type messageWriter struct {
	lane    []byte // `,"stream_id":"..."`, or nothing
	deflate deflater
	scratch []byte // one object, while it is compressed
}

var (
	dataField  = []byte("data: ")
	eventField = []byte("event: ")
	deltaEnd   = []byte(".delta")
	eventEnd   = []byte("\n\n")
)

// append writes the events behind dst and tells how many there were, and how many
// bytes their objects have.
func (w *messageWriter) append(dst, events []byte) (frames []byte, messages, plain int) {
	for len(events) > 0 {
		event, rest, _ := bytes.Cut(events, eventEnd)
		events = rest
		name, data, found := bytes.Cut(event, []byte("\n"))
		if object, ok := bytes.CutPrefix(data, dataField); found && ok {
			before := len(object) + len(w.lane)
			dst = w.appendObject(dst, object, bytes.HasPrefix(name, eventField) && bytes.HasSuffix(name, deltaEnd))
			messages, plain = messages+1, plain+before
		} // anything else is a comment, which a WebSocket has not
	}
	return dst, messages, plain
}

// appendObject writes one JSON object as a message.
func (w *messageWriter) appendObject(dst, object []byte, isDelta bool) []byte {
	if !w.deflate.wants(len(object), isDelta) {
		dst = appendFrameHeader(dst, textFrame, len(object)+len(w.lane))
		return w.appendNamed(dst, object)
	}
	w.scratch = w.appendNamed(w.scratch[:0], object)
	return w.deflate.append(dst, w.scratch)
}

// appendNamed writes an object with the name of its lane as its last member.
func (w *messageWriter) appendNamed(dst, object []byte) []byte {
	if len(w.lane) == 0 {
		return append(dst, object...)
	}
	last := len(object) - 1
	return append(append(append(dst, object[:last]...), w.lane...), object[last])
}
