package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// client speaks to the server as any OpenAI client would. It is safe for use by
// many goroutines.
type client struct {
	base string // http://host:port
	key  string
	http *http.Client
}

func newClient(address, key string, connections int) *client {
	return &client{base: "http://" + address, key: key, http: &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: connections},
	}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// errLost says that a connection broke before the reply was whole: what became
// of the request is not known.
var errLost = errors.New("the connection broke")

// refusal is an answer that says no.
type refusal struct {
	status int
	code   string
	text   string
	wait   time.Duration // that the server asks for before the next try
	again  bool          // the next try may end otherwise
}

func (r *refusal) Error() string { return fmt.Sprintf("status %d, %s: %s", r.status, r.code, r.text) }

// apiError is the body of a refusal, and of an error within a stream of chat.
type apiError struct {
	Error *struct {
		Message string `json:"message"`
		Code    string `json:"code"`
	} `json:"error"`
}

// request is what a client asks, and asks again word for word when it has to.
type request struct {
	path    string
	key     string // idempotency key
	body    []byte
	headers map[string]string
}

// post sends a request. The error is errLost or a *refusal; otherwise the caller
// reads and closes the body.
func (c *client) post(ctx context.Context, r *request) (io.ReadCloser, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", r.path, err)
	}
	// What net/http would send again by itself on another connection is ours to
	// count; with a key it does so, where the body can be had again.
	q.GetBody = nil
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Idempotency-Key", r.key)
	for name, value := range r.headers {
		q.Header.Set(name, value)
	}
	return c.do(q)
}

func (c *client) do(q *http.Request) (io.ReadCloser, error) {
	q.Header.Set("Authorization", "Bearer "+c.key)
	reply, err := c.http.Do(q)
	if err != nil {
		return nil, errors.Join(errLost, err)
	}
	if reply.StatusCode == http.StatusOK {
		return reply.Body, nil
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	return nil, refused(reply)
}

func refused(reply *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	if err != nil {
		return errors.Join(errLost, err)
	}
	r := &refusal{status: reply.StatusCode, text: string(body)}
	var said apiError
	if json.Unmarshal(body, &said) == nil && said.Error != nil {
		r.code, r.text = said.Error.Code, said.Error.Message
	}
	switch r.status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		r.again = true
	default:
		r.again = r.status >= 500
	}
	if advice, err := strconv.ParseBool(reply.Header.Get("X-Should-Retry")); err == nil {
		r.again = advice
	}
	if seconds, err := strconv.ParseFloat(reply.Header.Get("Retry-After"), 64); err == nil {
		r.wait = time.Duration(seconds * float64(time.Second))
	}
	return r
}

// get reads a JSON object into value.
func (c *client) get(ctx context.Context, path string, value any) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	body, err := c.do(q)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	defer body.Close() //nolint:errcheck // it was read
	return decode(body, value)
}

// decode reads a whole JSON body. A body that is cut is errLost.
func decode(body io.Reader, value any) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return errors.Join(errLost, err)
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("a reply of %d bytes is no JSON: %w", len(text), err)
	}
	return nil
}
