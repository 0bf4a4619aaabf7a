package http_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
	"unicode/utf8"
)

// The first bytes of frames.
const (
	fin        = 0x80
	compressed = 0x40

	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// masked is a frame as a client sends it.
func masked(first byte, payload string) []byte {
	return frameOf(first, uint64(len(payload)), payload)
}

// frameOf is a frame that says of itself that it has so many bytes.
func frameOf(first byte, length uint64, payload string) []byte {
	const longestHead = 14
	b := append(make([]byte, 0, longestHead+len(payload)), first)
	switch {
	case length < 126:
		b = append(b, 0x80|byte(length))
	case length < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), length)
	}
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

// closing is the payload of a close frame.
func closing(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

// deflated is a text as permessage-deflate has it.
func deflated(tb testing.TB, text string) string {
	tb.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err = errors.Join(err, w.Flush()); err != nil {
		tb.Fatal(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff}))
}

// serverFrame is a frame as a server sends it.
type serverFrame struct {
	op      byte
	payload []byte
}

// code is that of a close frame; 1005 where it has none.
func (f serverFrame) code() int {
	if len(f.payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(f.payload))
}

// readServerFrame reads a frame, and refuses what no server may send.
func readServerFrame(r *bufio.Reader) (f serverFrame, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return f, err
	}
	f.op = head[0] & 0xf
	length := uint64(head[1])
	if head[0]&fin == 0 || head[0]&0x30 != 0 || head[1]&0x80 != 0 {
		return f, fmt.Errorf("a server's frame begins with %x", head)
	}
	wide := map[uint64]int{126: 2, 127: 8}[length]
	if wide > 0 {
		var long [8]byte
		if _, err := io.ReadFull(r, long[8-wide:]); err != nil {
			return f, err
		}
		length = binary.BigEndian.Uint64(long[:])
	}
	f.payload = make([]byte, length)
	if _, err := io.ReadFull(r, f.payload); err != nil {
		return f, err
	}
	if head[0]&compressed != 0 {
		f.payload, err = io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(f.payload), bytes.NewReader([]byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}))))
	}
	return f, errors.Join(err, f.check())
}

// check holds that a frame has what its kind may have.
func (f serverFrame) check() error {
	switch {
	case f.op == opText && json.Valid(f.payload), f.op == opPing, f.op == opPong && len(f.payload) < 126:
		return nil
	case f.op == opClose && len(f.payload) == 0:
		return nil
	case f.op == opClose && len(f.payload) < 126 && utf8.Valid(f.payload[2:]):
		return nil
	}
	return fmt.Errorf("a server sends a frame of kind %d with %q", f.op, f.payload)
}

// raw is a client that writes and reads frames by itself.
type raw struct {
	net.Conn
	tb testing.TB
	in *bufio.Reader
}

func (w *world) raw(extensions string) *raw {
	conn, in := w.rawDial(extensions)
	return &raw{Conn: conn, tb: w.tb, in: in}
}

// send writes, and does not care whether a server that has closed reads it.
func (c *raw) send(frames []byte) {
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = c.Write(frames)
}

// next returns the next frame that is no ping.
func (c *raw) next() serverFrame {
	c.tb.Helper()
	for {
		f, err := readServerFrame(c.in)
		if err != nil {
			c.tb.Fatalf("no frame: %v", err)
		}
		if f.op != opPing {
			return f
		}
	}
}

// message returns the next frame, which is a message.
func (c *raw) message() (m message) {
	c.tb.Helper()
	f := c.next()
	if f.op != opText {
		c.tb.Fatalf("no message but %d %d %q", f.op, f.code(), f.payload)
	}
	if err := json.Unmarshal(f.payload, &m); err != nil {
		c.tb.Fatal(err)
	}
	m.raw = string(f.payload)
	return m
}
