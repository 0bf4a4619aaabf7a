package provider

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
	"example.com/parley/messages/parking"
)

// client calls one provider over HTTP/1.1. It is safe for concurrent use.
type client struct {
	name     string
	settings Settings
	dialect  dialect
	pool     *pool
	metrics  *providerMetrics
	requests []sync.Pool // by the number of the key, of *fasthttp.Request, whole but for the body
	bodies   sync.Pool   // of *[]byte
}

func newClient(name string, s Settings, p *parking.Poller, m *providerMetrics) (*client, error) {
	d, err := newDialer(&s, p)
	if err != nil {
		return nil, fmt.Errorf("providers.%s.%w", name, err)
	}
	c := &client{
		name: name, settings: s, dialect: dialectOf(&s), metrics: m,
		pool: &pool{dial: d.dial, patience: s.Connect, idleAfter: s.IdleAfter, places: make(chan struct{}, s.MaxConns)},
	}
	address, err := url.Parse(s.BaseURL + c.dialect.path())
	if err != nil {
		return nil, fmt.Errorf("providers.%s.base_url: %w", name, err)
	}
	keys := s.keys()
	c.requests = make([]sync.Pool, len(keys))
	for i, key := range keys {
		headers := c.dialect.headers(key)
		c.requests[i].New = func() any { return newRequest(address, headers) }
	}
	c.bodies.New = func() any { return new([]byte) }
	return c, nil
}

// newRequest returns a request that lacks nothing but a body.
func newRequest(address *url.URL, headers map[string]string) *fasthttp.Request {
	r := &fasthttp.Request{UseHostHeader: true}
	r.SetRequestURI(address.RequestURI())
	r.Header.SetMethod(fasthttp.MethodPost)
	r.Header.SetHost(address.Host)
	r.Header.SetUserAgent("parley")
	r.Header.SetContentType("application/json")
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return r
}

// open implements upstream.
func (c *client) open(ctx context.Context, model string, key int, call *messages.Call) (Answer, error) {
	body := c.bodies.Get().(*[]byte)
	defer c.bodies.Put(body)
	var err error
	if *body, err = c.dialect.appendRequest((*body)[:0], model, call); err != nil {
		return nil, err
	}
	began, timeouts := time.Now(), c.settings.timeouts(model)
	limit := timeouts.begin(call.Stream)
	x, err := c.send(ctx, key, *body, limit)
	if err != nil {
		return nil, c.explain(ctx, err, call.Stream, limit)
	}
	return c.receive(ctx, x, reply{model: model, stream: call.Stream, began: began, timeouts: timeouts})
}

// send makes the exchange. A connection that was idle may have died since,
// which shows only when it is used: the server restarted, or took it for
// forgotten. As long as no byte of an answer has come this is no failure of the
// provider, and the request goes out once more, on a connection of its own.
func (c *client) send(ctx context.Context, key int, body []byte, limit time.Duration) (*exchange, error) {
	x, err := c.exchange(ctx, key, body, limit, c.pool.get)
	if x == nil || !x.stale(err) || ctx.Err() != nil {
		return x, err
	}
	x.close()
	c.metrics.stale.Inc()
	return c.exchange(ctx, key, body, limit, c.pool.getFresh)
}

// exchange sends the request and reads the head of the answer. Where there is
// an error the exchange, if any, is closed.
func (c *client) exchange(
	ctx context.Context, key int, body []byte, limit time.Duration, connect func(context.Context) (*connection, error),
) (*exchange, error) {
	conn, err := connect(ctx)
	if err != nil {
		return nil, connectError{err}
	}
	x := newExchange(ctx, c.pool, conn)
	request := c.requests[key].Get().(*fasthttp.Request)
	defer c.requests[key].Put(request)
	request.SetBodyRaw(body)
	err = x.begin(request, limit)
	request.ResetBody()
	if err != nil {
		x.close()
	}
	return x, err
}

// connectError is one that came before anything was sent.
type connectError struct{ error }

// Unwrap lets what failed be seen.
func (e connectError) Unwrap() error { return e.error }

// explain turns what went wrong into words.
func (c *client) explain(ctx context.Context, err error, stream bool, limit time.Duration) *messages.Failure {
	_, connecting := errors.AsType[connectError](err)
	_, full := errors.AsType[errBusy](err)
	switch {
	case ctx.Err() != nil:
		return stopped(ctx)
	case full:
		return busy(c.name, c.settings.MaxConns)
	case connecting && (isTimeout(err) || errors.Is(err, context.DeadlineExceeded)):
		return timedOut(c.name, "could not be reached", "connect_timeout", c.settings.Connect)
	case connecting:
		return unreachable(c.name, err)
	case isTimeout(err) && stream:
		return timedOut(c.name, "did not begin to answer", "first_byte_timeout", limit)
	case isTimeout(err):
		return timedOut(c.name, "did not answer", "reply_timeout", limit)
	default:
		return broken(c.name, err)
	}
}

// reply is what is expected.
type reply struct {
	model    string // as it was asked for
	stream   bool
	began    time.Time
	timeouts Timeouts
}

// receive reads what the head of the answer announces.
func (c *client) receive(ctx context.Context, x *exchange, r reply) (Answer, error) {
	switch {
	case x.status != fasthttp.StatusOK:
		return nil, c.refused(ctx, x)
	case r.stream && !strings.HasPrefix(string(x.response.Header.ContentType()), "application/json"):
		x.dropHead()
		return newStream(ctx, c, x, r), nil
	default:
		return c.readWhole(ctx, x, r)
	}
}

// maxError is how much of an error's body is read. More is a web page.
const maxError = 64 << 10

// refused reads an answer that is no reply.
func (c *client) refused(ctx context.Context, x *exchange) *messages.Failure {
	defer x.close()
	wait := retryAfter(&x.response.Header, time.Now())
	if 300 <= x.status && x.status < 400 {
		return redirected(c.name, x.status)
	}
	body, err := x.readAll(nil, maxError)
	if err != nil && ctx.Err() != nil {
		return stopped(ctx)
	}
	return c.settings.hideAll(c.dialect.decodeError(x.status, wait, body))
}

func (c *client) connections() (idle, busy int) { return c.pool.counts() }

func (c *client) close() { c.pool.close() }
