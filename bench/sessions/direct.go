package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/program"
	"example.com/parley/bench/upstream/canned"
)

// direct asks the upstream itself, with as many connections at the same pace, how
// late its chunks are without a server between: the upstream's timers and the
// readers here are late too, and no server can be earlier than they.
func (b *bench) direct(ctx context.Context, size int) (load.Latencies, error) {
	var measuring atomic.Bool
	all := make([]heard, size)
	streams := make([]net.Conn, 0, size)
	var readers sync.WaitGroup
	defer func() {
		for _, one := range streams {
			_ = one.Close() // nothing was promised to the other side
		}
		readers.Wait()
	}()
	for n := range size {
		conn, err := b.dialUpstream(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("connection %d to the upstream: %w", n, err)
		}
		streams = append(streams, conn)
		readers.Go(func() { all[n].follow(conn, &measuring) })
	}
	body := fmt.Sprintf(`{"model":%q,"stream":true,"messages":[{"role":"user","content":"go"}]}`, clocked(b.streamTokens()))
	request := load.Post(b.upstreamAt, "/v1/chat/completions", body, "").Bytes
	err := spread(ctx, size, func(n int) error {
		_, err := streams[n].Write(request)
		return err
	})
	if err := errors.Join(err, program.Pause(ctx, settle)); err != nil {
		return nil, err
	}
	measuring.Store(true)
	err = program.Pause(ctx, b.duration)
	measuring.Store(false)
	for _, one := range streams {
		_ = one.Close()
	}
	readers.Wait()
	late := make([][]time.Duration, size)
	for n := range all {
		late[n] = all[n].late
	}
	return load.Sorted(late...), err
}

func (b *bench) dialUpstream(ctx context.Context, n int) (net.Conn, error) {
	from := net.Dialer{Timeout: readyWithin, LocalAddr: &net.TCPAddr{IP: net.ParseIP(b.caller(n).From)}}
	return from.DialContext(ctx, "tcp", b.upstreamAt)
}

var contentMember = []byte(`"content":"`)

// follow reads a stream until its connection ends.
func (h *heard) follow(conn net.Conn, measuring *atomic.Bool) {
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return
		}
		if _, text, found := bytes.Cut(line, contentMember); found {
			h.time(text, time.Now().UnixMicro(), measuring)
		}
	}
}

// time notes how late a chunk is whose text begins with when it was sent.
func (h *heard) time(text []byte, now int64, measuring *atomic.Bool) {
	if len(text) < canned.ClockDigits || !measuring.Load() {
		return
	}
	if sent, err := strconv.ParseInt(string(text[:canned.ClockDigits]), 10, 64); err == nil {
		h.late = append(h.late, time.Duration(now-sent)*time.Microsecond)
	}
}
