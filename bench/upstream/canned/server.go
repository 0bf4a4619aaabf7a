package canned

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// Server answers until Close. Its methods are safe for concurrent use.
type Server struct {
	replies  *replies
	listener net.Listener
	serving  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]struct{}
}

// Start listens on address and serves.
func Start(ctx context.Context, address string) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	s := &Server{replies: render(), listener: listener, open: make(map[net.Conn]struct{})}
	s.serving.Go(s.accept) // Close ends it
	return s, nil
}

// Address is host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Close ends every connection and returns when the last goroutine has.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.open {
		err = errors.Join(err, c.Close())
	}
	s.mu.Unlock()
	s.serving.Wait()
	return err
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.keep(c) {
			return
		}
		s.serving.Go(func() { s.serve(c) })
	}
}

func (s *Server) keep(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return false
	}
	s.open[c] = struct{}{}
	return true
}

// serve answers one connection until its client leaves, or says what cannot be
// read.
func (s *Server) serve(c net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
		_ = c.Close()
	}()
	buffer := make([]byte, 0, 4<<10)
	for {
		request, rest, err := next(c, buffer)
		if err != nil {
			return
		}
		if err := s.answer(c, request); err != nil {
			return
		}
		buffer = append(buffer[:0], rest...)
	}
}

const maxRequest = 64 << 20 // bytes

var errRequest = errors.New("a request cannot be read")

// next reads one request, whose bytes are valid until buffer is used again, and
// returns what was read behind it.
func next(c net.Conn, buffer []byte) (request, rest []byte, err error) {
	size := -1
	for {
		if size < 0 {
			if size, err = sizeOf(buffer); err != nil {
				return nil, nil, err
			}
		}
		if size >= 0 && len(buffer) >= size {
			return buffer[:size], buffer[size:], nil
		}
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
		n, err := c.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if n == 0 && err != nil {
			return nil, nil, err
		}
	}
}

// sizeOf is how many bytes a request has, -1 as long as its head is not there.
func sizeOf(b []byte) (int, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return -1, nil
	}
	size := end + 4
	for line := range bytes.SplitSeq(b[:end], []byte("\r\n")) {
		const name = "content-length:"
		if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
			continue
		}
		length, err := strconv.Atoi(string(bytes.TrimSpace(line[len(name):])))
		if err != nil || length < 0 || length > maxRequest {
			return 0, errRequest
		}
		size += length
	}
	return size, nil
}

func (s *Server) answer(c net.Conn, request []byte) error {
	if !bytes.HasPrefix(request, []byte("POST ")) {
		_, err := c.Write(s.replies.alive)
		return err
	}
	time.Sleep(said(request, "delay-"))
	if !bytes.Contains(request, []byte(`"stream":true`)) {
		_, err := c.Write(s.replies.plain)
		return err
	}
	return s.stream(c, request)
}

// stream sends the events of a stream: the first with the head, the last with the
// end, and as many between them as are wanted.
func (s *Server) stream(c net.Conn, request []byte) error {
	interval, tokens, events := said(request, "interval-"), counted(request), s.replies.stream
	isClock := bytes.Contains(request, []byte("-clock"))
	var buffer []byte
	for i := range tokens {
		if i > 0 {
			time.Sleep(interval)
		}
		event := events[min(i, len(events)-2)]
		switch {
		case i == tokens-1:
			event = events[len(events)-1]
		case i > 0 && isClock:
			buffer = s.replies.clock.append(buffer[:0], time.Now())
			event = buffer
		}
		if _, err := c.Write(event); err != nil {
			return err
		}
	}
	return nil
}

// counted is how many tokens a request wants.
func counted(request []byte) int {
	_, after, found := bytes.Cut(request, []byte("tokens-"))
	end := bytes.IndexAny(after, `-"`)
	if !found || end < 0 {
		return Tokens
	}
	n, err := strconv.Atoi(string(after[:end]))
	if err != nil || n < 1 {
		return Tokens // the word stood there by chance
	}
	return n
}

// said returns the duration that a request has behind a word, 0 where there is
// none.
func said(request []byte, word string) time.Duration {
	_, after, found := bytes.Cut(request, []byte(word))
	if !found {
		return 0
	}
	end := bytes.IndexAny(after, `-"`)
	if end < 0 {
		return 0
	}
	d, err := time.ParseDuration(string(after[:end]))
	if err != nil {
		return 0 // the word stood there by chance
	}
	return d
}
