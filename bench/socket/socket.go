package socket

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"
)

// The first bytes of frames, by RFC 6455.
const (
	final      = 0x80
	compressed = 0x40
	opText     = 1
	opClose    = 8
	opPing     = 9
	opPong     = 10
)

// Options say how to connect.
type Options struct {
	Address string // host:port of the server
	Key     string
	From    string // the address to connect from; empty for any
	Deflate bool   // offers permessage-deflate
}

// patience bounds a handshake.
const patience = 30 * time.Second

// RefusedError is the error of a handshake that was answered with another status.
type RefusedError struct {
	Status     int
	RetryAfter time.Duration // 0 where the server names none
}

// Error implements error.
func (e *RefusedError) Error() string { return fmt.Sprintf("the handshake got status %d", e.Status) }

// ClosedError is the server's close.
type ClosedError struct {
	Code   int
	Reason string
}

// Error implements error.
func (e *ClosedError) Error() string { return fmt.Sprintf("closed with %d %s", e.Code, e.Reason) }

// Conn is a connection. One goroutine reads it; any may send.
type Conn struct {
	tcp net.Conn
	in  *bufio.Reader

	message  []byte // the last one
	inflated bytes.Buffer

	mu  sync.Mutex // of writes
	out []byte
}

// readBuffer is small: most connections are there to be held.
const readBuffer = 512

// Dial connects.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	dialer := net.Dialer{Timeout: patience}
	if o.From != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(o.From)}
	}
	tcp, err := dialer.DialContext(ctx, "tcp", o.Address)
	if err != nil {
		return nil, err
	}
	c := &Conn{tcp: tcp, in: bufio.NewReaderSize(tcp, readBuffer)}
	if err := c.shakeHands(o); err != nil {
		_ = tcp.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conn) shakeHands(o Options) error {
	hello := "GET /v1/responses HTTP/1.1\r\nHost: " + o.Address + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer " + o.Key + "\r\n"
	if o.Deflate {
		hello += "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n"
	}
	if err := c.tcp.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.tcp.Write([]byte(hello + "\r\n")); err != nil {
		return err
	}
	reply, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return fmt.Errorf("read the handshake: %w", err)
	}
	_ = reply.Body.Close()
	if reply.StatusCode != http.StatusSwitchingProtocols {
		seconds, _ := strconv.Atoi(reply.Header.Get("Retry-After"))
		return &RefusedError{Status: reply.StatusCode, RetryAfter: time.Duration(seconds) * time.Second}
	}
	if agreed := reply.Header.Get("Sec-Websocket-Extensions"); o.Deflate != strings.Contains(agreed, "permessage-deflate") {
		return fmt.Errorf("the server agrees to %q", agreed)
	}
	return c.tcp.SetDeadline(time.Time{})
}

// Send sends a message.
func (c *Conn) Send(text string) error { return c.write(opText, []byte(text)) }

func (c *Conn) write(op byte, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = append(c.out[:0], final|op)
	switch length := len(payload); {
	case length < 126:
		c.out = append(c.out, 0x80|byte(length))
	case length < 1<<16:
		c.out = binary.BigEndian.AppendUint16(append(c.out, 0x80|126), uint16(length)) // #nosec G115 -- checked above
	default:
		c.out = binary.BigEndian.AppendUint64(append(c.out, 0x80|127), uint64(length)) // #nosec G115 -- no length is negative
	}
	c.out = append(c.out, 0, 0, 0, 0) // a mask that changes nothing
	c.out = append(c.out, payload...)
	_, err := c.tcp.Write(c.out)
	return err
}

// SetDeadline bounds what is read from now on.
func (c *Conn) SetDeadline(t time.Time) { _ = c.tcp.SetReadDeadline(t) } // one that cannot be set fails the read

// Next returns the next message, which is valid until it is called again. It
// answers pings. Where the server closes, the error is a *ClosedError.
func (c *Conn) Next() ([]byte, error) {
	for {
		first, err := c.frame()
		if err != nil {
			return nil, err
		}
		switch first {
		case final | opText:
			return c.message, nil
		case final | compressed | opText:
			return c.inflate()
		case final | opPing:
			if err := c.write(opPong, c.message); err != nil {
				return nil, err
			}
		case final | opPong:
		case final | opClose:
			closed := &ClosedError{Code: 1005}
			if len(c.message) >= 2 {
				closed.Code, closed.Reason = int(binary.BigEndian.Uint16(c.message)), string(c.message[2:])
			}
			_ = c.write(opClose, c.message)
			return nil, closed
		default:
			return nil, fmt.Errorf("the server sends a frame that begins with %x", first)
		}
	}
}

// frame reads one into c.message.
func (c *Conn) frame() (first byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(c.in, head[:2]); err != nil {
		return 0, err
	}
	first = head[0]
	length := uint64(head[1])
	switch length {
	case 126:
		_, err = io.ReadFull(c.in, head[:2])
		length = uint64(binary.BigEndian.Uint16(head[:]))
	case 127:
		_, err = io.ReadFull(c.in, head[:8])
		length = binary.BigEndian.Uint64(head[:])
	}
	const most = 64 << 20
	if err == nil && length > most {
		err = fmt.Errorf("a frame of %d bytes", length)
	}
	if err != nil {
		return 0, err
	}
	if uint64(cap(c.message)) < length {
		c.message = make([]byte, length)
	}
	c.message = c.message[:length]
	_, err = io.ReadFull(c.in, c.message)
	return first, err
}

// tail ends a message that was flushed, and its stream.
const tail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

func (c *Conn) inflate() ([]byte, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	err := r.(flate.Resetter).Reset(io.MultiReader(bytes.NewReader(c.message), strings.NewReader(tail)), nil)
	c.inflated.Reset()
	if err == nil {
		_, err = c.inflated.ReadFrom(r)
	}
	return c.inflated.Bytes(), err
}

// Close leaves without a word, as a client does whose network has gone.
func (c *Conn) Close() { _ = c.tcp.Close() }

// Reset leaves as a client does whose machine has forgotten the connection.
func (c *Conn) Reset() {
	if tcp, ok := c.tcp.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

// IsClosed returns the server's close, if the error is one.
func IsClosed(err error) (*ClosedError, bool) { return errors.AsType[*ClosedError](err) }
