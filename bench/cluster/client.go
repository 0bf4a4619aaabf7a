package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// client asks any node as a client behind a load balancer does: one that says that it
// is not ready is not asked, and one that does not answer is not the last.
type client struct {
	site *site
	http *http.Client
	next int // node
	note func(kind string)
}

func newClient(s *site, first int, note func(kind string)) *client {
	return &client{site: s, next: first, note: note, http: &http.Client{Timeout: requestPatience, Transport: &http.Transport{MaxIdleConnsPerHost: 2}}}
}

const (
	requestPatience = 3 * time.Second  // for one try: a node that is frozen answers nothing
	writePatience   = 40 * time.Second // for all of them
	retryPause      = 50 * time.Millisecond
)

// finalError is what no client should be told, whatever happens to the cluster.
type finalError struct{ text string }

// Error implements error.
func (e *finalError) Error() string { return e.text }

// answer is what one node said.
type answer struct {
	status int
	body   []byte
}

// kind is a short word for what went wrong; empty for nothing.
func (a *answer) kind(err error) string {
	switch {
	case err != nil && errors.Is(err, context.DeadlineExceeded):
		return "no_answer"
	case err != nil:
		return "connection"
	case a.status == http.StatusOK:
		return ""
	}
	var refusal struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(a.body, &refusal)
	return strconv.Itoa(a.status) + "_" + refusal.Error.Code
}

// again tells whether a client is to try once more: what SDKs do.
func (a *answer) again(err error) bool {
	return err != nil || a.status == http.StatusConflict || a.status == http.StatusTooManyRequests || a.status >= http.StatusInternalServerError
}

// do asks one node after the other, until one answers for good or time is up.
func (c *client) do(ctx context.Context, method, path, key string, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	for {
		at := c.site.balanced(&c.next)
		a, err := c.ask(ctx, at, method, path, key, body)
		kind := a.kind(err)
		if kind == "" {
			return a, nil
		}
		if ctx.Err() != nil {
			return a, ctx.Err()
		}
		if !a.again(err) {
			c.note("final_" + kind)
			return a, &finalError{fmt.Sprintf("%s %s: status %d: %s", method, path, a.status, a.body)}
		}
		c.note(kind)
		c.next++
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
		}
	}
}

func (c *client) ask(ctx context.Context, at *node, method, path, key string, body []byte) (a answer, err error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+at.settings.Address+path, bytes.NewReader(body))
	if err != nil {
		return a, fmt.Errorf("ask %s: %w", path, err)
	}
	request.GetBody = nil // what is sent once more is counted
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.site.key)
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	reply, err := c.http.Do(request)
	if err != nil {
		return a, err
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	a.status = reply.StatusCode
	a.body, err = io.ReadAll(io.LimitReader(reply.Body, 4<<20))
	return a, err
}

// create makes a conversation.
func (c *client) create(ctx context.Context) (id string, err error) {
	a, err := c.do(ctx, http.MethodPost, "/v1/conversations", "", []byte("{}"))
	if err != nil {
		return "", err
	}
	var made struct {
		ID string `json:"id"`
	}
	err = json.Unmarshal(a.body, &made)
	return made.ID, err
}

// write has a model answer a token in a conversation. The key makes the tries one.
func (c *client) write(ctx context.Context, conversation string, token int, stream bool) (outcome, error) {
	key := fmt.Sprintf("%s-%d", conversation, token)
	body := fmt.Appendf(nil, `{"model":"gpt-fake-delay-30ms","conversation":%q,"input":"token %d","stream":%t}`, conversation, token, stream)
	a, err := c.do(ctx, http.MethodPost, "/v1/responses", key, body)
	if err != nil {
		return unknown, err
	}
	status := statusOf(a.body, stream)
	if status == "completed" {
		return told, nil
	}
	c.note("reply_" + cmp.Or(status, "cut") + reasonOf(a.body))
	return c.endOf(ctx, a.body) // the turn may go on, and have another end
}

// reasonOf is why a reply is not whole.
func reasonOf(body []byte) string {
	_, after, found := strings.Cut(string(body), `"incomplete_details":{"reason":"`)
	if reason, _, whole := strings.Cut(after, `"`); found && whole {
		return "_" + reason
	}
	return ""
}

// statusOf is how a response ended: of a stream, what its last event says.
func statusOf(body []byte, stream bool) string {
	if !stream {
		var response struct {
			Status string `json:"status"`
		}
		_ = json.Unmarshal(body, &response)
		return response.Status
	}
	for _, status := range []string{"completed", "incomplete", "failed"} {
		if bytes.Contains(body, []byte("event: response."+status)) || bytes.Contains(body, []byte(`"type":"response.`+status+`"`)) {
			return status
		}
	}
	return ""
}

// endOf asks how a response ended of which a client has seen a part.
func (c *client) endOf(ctx context.Context, seen []byte) (outcome, error) {
	_, after, found := strings.Cut(string(seen), `"id":"resp_`)
	id, _, whole := strings.Cut(after, `"`)
	if !found || !whole {
		return unknown, nil
	}
	for {
		a, err := c.do(ctx, http.MethodGet, "/v1/responses/resp_"+id, "", nil)
		if err != nil {
			return unknown, err
		}
		switch statusOf(a.body, false) {
		case "completed":
			return told, nil
		case "in_progress", "queued":
		default:
			return declined, nil
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return unknown, nil
		}
	}
}

// read returns the tokens that have a whole reply, in order.
func (c *client) read(ctx context.Context, conversation string) (tokens []int, err error) {
	a, err := c.do(ctx, http.MethodGet, "/v1/conversations/"+conversation+"/items?order=asc&limit=100", "", nil)
	if err != nil {
		return nil, err
	}
	var page struct {
		Data []struct {
			Role    string `json:"role"`
			Status  string `json:"status"`
			Content []struct {
				Text string `json:"text"`
			} `json:"content"`
		} `json:"data"`
		More bool `json:"has_more"`
	}
	if err := json.Unmarshal(a.body, &page); err != nil {
		return nil, &finalError{fmt.Sprintf("%s cannot be read: %v", conversation, err)}
	}
	if page.More {
		return nil, &finalError{conversation + " has more items than a page"}
	}
	asked := -1
	for _, item := range page.Data {
		switch {
		case item.Role == "user" && len(item.Content) == 1:
			if _, err := fmt.Sscanf(item.Content[0].Text, "token %d", &asked); err != nil {
				return nil, &finalError{fmt.Sprintf("%s has a question that nobody asked: %q", conversation, item.Content[0].Text)}
			}
		case item.Role == "assistant" && item.Status == "completed" && asked >= 0:
			tokens = append(tokens, asked)
			asked = -1
		}
	}
	return tokens, nil
}
