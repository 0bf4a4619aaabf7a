package edge

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"example.com/parley/messages"
)

// RoundTrip brings a client's request to the core: to the server that is followed, and
// where no connection is made, or that one stops, to the next. Its body can be had
// again. A request that may have begun is not sent twice. Errors are *messages.Failure
// with CodeEdgeCutOff.
func (n *Node) RoundTrip(r *http.Request) (*http.Response, error) {
	for range len(n.peers) + 1 {
		f, err := n.place.await(r.Context())
		if err != nil {
			return nil, err
		}
		response, begun, err := f.carry(r)
		switch {
		case err == nil && !stops(response):
			n.metrics.forwarded.Inc()
			return response, nil
		case err == nil:
			_ = response.Body.Close() // it says no more than that
			n.place.retire(f)
		case begun || r.Context().Err() != nil:
			n.metrics.broken.Inc()
			return nil, messages.CutOff(err)
		default:
			n.place.leave(f)
		}
		if r.GetBody != nil {
			if r.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
	}
	return nil, messages.CutOff(errOutOfReach)
}

// stops tells whether a server answers that it takes no more requests: it has not begun
// this one.
func stops(response *http.Response) bool {
	return response.StatusCode == http.StatusServiceUnavailable && response.Close
}

// carry sends a request, whose answer ends with its reader or with the server. It
// tells of one that failed whether it had a connection, over which it may have begun.
func (f *followed) carry(r *http.Request) (response *http.Response, begun bool, err error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	ctx, cancel := context.WithCancel(httptrace.WithClientTrace(r.Context(), trace))
	stop := context.AfterFunc(f.ctx, cancel) //nolint:contextcheck // the server is a second thing that ends it
	end := func() {
		stop()
		cancel()
	}
	if response, err = f.carried.RoundTrip(r.WithContext(ctx)); err != nil {
		end()
		return nil, connected.Load(), err
	}
	response.Body = &carriedBody{ReadCloser: response.Body, end: end}
	return response, true, nil
}

// carriedBody ends its request when it is closed.
type carriedBody struct {
	io.ReadCloser
	end func()
}

// Close implements io.Closer.
func (b *carriedBody) Close() error {
	b.end()
	return b.ReadCloser.Close()
}

// Dial makes a connection to the server that is followed, for what goes on after its
// request. It ends with that server.
func (n *Node) Dial(ctx context.Context) (net.Conn, error) {
	for range len(n.peers) + 1 {
		f, err := n.place.await(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := dial(ctx, &f.dialer, f.address)
		if err == nil {
			stop := context.AfterFunc(f.ctx, func() { _ = conn.Close() }) //nolint:contextcheck // it outlives its dialing, and ends with the server
			return &tied{Conn: conn, stop: stop}, nil
		}
		if ctx.Err() != nil {
			return nil, messages.CutOff(err)
		}
		n.place.leave(f)
	}
	return nil, messages.CutOff(errOutOfReach)
}

// tied is a connection that ends with its server.
type tied struct {
	net.Conn
	stop func() bool
}

// Close implements net.Conn.
func (t *tied) Close() error {
	t.stop()
	return t.Conn.Close()
}
