package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// stage is where scripts are played.
type stage struct {
	client *client
	server *server
	run    string // begins every idempotency key, so that runs on one store don't meet
	after  func() // called at the end of every turn
}

// perform plays all scripts, so many at a time, and returns what was seen.
func (s *stage) perform(ctx context.Context, scripts []script, concurrency int) []*conversation {
	played := make([]*conversation, len(scripts))
	next := make(chan int, len(scripts))
	for i := range scripts {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range concurrency {
		workers.Go(func() {
			for i := range next {
				played[i] = s.play(ctx, scripts[i])
			}
		})
	}
	workers.Wait()
	return played
}

// play holds one conversation. A turn that nobody answers does not end it: the
// next one is asked all the same.
func (s *stage) play(ctx context.Context, script script) *conversation {
	c := &conversation{script: script}
	for i, a := range script.Asks {
		c.Turns = append(c.Turns, &turn{ask: a, Key: fmt.Sprintf("%s-%d-%d", s.run, script.Number, i)})
	}
	if script.Way != wayChain {
		s.create(ctx, c)
	}
	previous := ""
	for _, t := range c.Turns {
		if c.ID != "" || script.Way == wayChain {
			s.put(ctx, t, c.request(t, previous), c.reader(t))
		}
		if t.End != endUnknown {
			previous = t.Response
		}
		s.after()
	}
	return c
}

// create makes the conversation. Where nobody does it, its turns have the
// problem.
func (s *stage) create(ctx context.Context, c *conversation) {
	var created struct {
		ID string `json:"id"`
	}
	r := &request{path: "/v1/conversations", key: fmt.Sprintf("%s-%d", s.run, c.Number), body: []byte("{}")}
	opening := &turn{Key: r.key}
	s.put(ctx, opening, r, func(p *reply, body io.Reader) error {
		err := decode(body, &created)
		p.end, p.response = endWhole, created.ID
		return err
	})
	c.ID = opening.Response
	for _, t := range c.Turns {
		t.Problem = opening.Problem
	}
}

// request is how the conversation's way asks t.
func (c *conversation) request(t *turn, previous string) *request {
	switch c.Way {
	case wayChat:
		return completeIn(t, c.ID)
	case wayChain:
		return respondTo(t, "", previous)
	default:
		return respondTo(t, c.ID, "")
	}
}

// reader is how t's reply is read.
func (c *conversation) reader(t *turn) func(*reply, io.Reader) error {
	switch {
	case c.Way == wayChat && t.Stream:
		return (*reply).readCompletionStream
	case c.Way == wayChat:
		return (*reply).readCompletion
	case t.Stream:
		return (*reply).readResponseStream
	default:
		return (*reply).readResponse
	}
}

const (
	maxTries = 12 // of a turn; a kill costs one, and a try that waits for the first one's end a few
	minWait  = 50 * time.Millisecond
	maxWait  = 2 * time.Second
)

// put asks until somebody answers.
func (s *stage) put(ctx context.Context, t *turn, r *request, read func(*reply, io.Reader) error) {
	t.Began = time.Now()
	outages, _ := s.server.outages()
	defer func() {
		t.Ended = time.Now()
		now, _ := s.server.outages()
		t.Outages = now - outages
	}()
	for t.Tries < maxTries {
		if err := s.server.await(ctx); err != nil {
			t.Problem = err.Error()
			return
		}
		t.Tries++
		p, err := s.try(ctx, r, read)
		if err == nil {
			t.acknowledge(p)
			return
		}
		t.Problem = err.Error()
		if !s.again(ctx, t, p, err) {
			return
		}
	}
}

// try asks once.
func (s *stage) try(ctx context.Context, r *request, read func(*reply, io.Reader) error) (*reply, error) {
	p := &reply{began: time.Now()}
	body, err := s.client.post(ctx, r)
	if err != nil {
		return p, err
	}
	defer body.Close() //nolint:errcheck // it was read, or is not wanted
	return p, read(p, body)
}

func (t *turn) acknowledge(p *reply) {
	t.End, t.Response, t.Text, t.Problem, t.First = p.end, p.response, p.text, "", p.first
}

// again decides whether to ask once more, and waits for as long as is due. What
// was shown before the connection broke is kept.
func (s *stage) again(ctx context.Context, t *turn, p *reply, err error) bool {
	wait := minWait
	var no *refusal
	switch {
	case errors.Is(err, errLost):
		_, killed := s.server.outages()
		if p.response != "" {
			t.Glimpses = append(t.Glimpses, glimpse{Response: p.response, Pieces: p.pieces, Cut: killed})
		}
	case errors.As(err, &no):
		if !no.again {
			return false
		}
		wait = min(max(no.wait, minWait), maxWait)
	default:
		return false
	}
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}
