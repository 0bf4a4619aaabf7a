package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"example.com/parley/messages/wire/openai"
)

// page is one page of a listing.
type page[T any] struct {
	Data []T    `json:"data"`
	More bool   `json:"has_more"`
	Last string `json:"last_id"`
}

// all reads a listing to its end.
func all[T any](ctx context.Context, c *client, path, order string, limit int) ([]T, error) {
	var found []T
	for after := ""; ; {
		var p page[T]
		query := fmt.Sprintf("%s?order=%s&limit=%d", path, order, limit)
		if after != "" {
			query += "&after=" + after
		}
		if err := c.get(ctx, query, &p); err != nil {
			return nil, err
		}
		found = append(found, p.Data...)
		if !p.More {
			return found, nil
		}
		if p.Last == "" || p.Last == after {
			return nil, faulty("%s has more behind %q, and does not go on", path, after)
		}
		after = p.Last
	}
}

func absent(err error) bool {
	var no *refusal
	return errors.As(err, &no) && no.status == http.StatusNotFound
}

// auditor reads everything again and compares it with what clients saw. Its
// counts are read when all its goroutines are done.
type auditor struct {
	client *client
	stage  *stage
	before map[string]int // conversations that were listed before the run

	mu       sync.Mutex
	findings findings
	items    int // read again
	repeated int // requests that were sent once more
}

func (a *auditor) find(judge func(*findings)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	judge(&a.findings)
}

// each calls f with every conversation, so many at a time, and returns the
// first error, which is one of asking and not of what is found.
func each(ctx context.Context, played []*conversation, workers int, f func(context.Context, *conversation) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan *conversation, len(played))
	for _, c := range played {
		next <- c
	}
	close(next)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for c := range next {
				if ctx.Err() != nil {
					return
				}
				if err := f(ctx, c); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

const (
	auditors  = 16
	smallPage = 3   // makes most conversations take several
	largePage = 100 // the largest that is allowed
	sample    = 10  // one turn in so many is asked again though nothing befell it
)

// audit checks everything.
func (a *auditor) audit(ctx context.Context, played []*conversation) error {
	// First ask again, so that what this breaks is found by reading.
	if err := each(ctx, played, auditors, a.repeat); err != nil {
		return err
	}
	if err := each(ctx, played, auditors, a.reread); err != nil {
		return err
	}
	return a.list(ctx, played)
}

// repeat sends requests once more under their keys: they have to be answered as
// they were.
func (a *auditor) repeat(ctx context.Context, c *conversation) error {
	previous := ""
	for i, t := range c.Turns {
		if t.End == endUnknown {
			continue
		}
		// One that was cut may be asked again under its key, and is then another.
		if t.End == endCut {
			previous = t.Response
			continue
		}
		if t.touched() || (c.Number+i)%sample == 0 {
			if err := a.repeatTurn(ctx, c, t, previous); err != nil {
				return err
			}
		}
		previous = t.Response
	}
	return nil
}

func (a *auditor) repeatTurn(ctx context.Context, c *conversation, t *turn, previous string) error {
	again := &turn{ask: t.ask, Key: t.Key}
	a.stage.put(ctx, again, c.request(again, previous), c.reader(again))
	if err := ctx.Err(); err != nil {
		return err
	}
	a.find(func(f *findings) {
		a.repeated++
		f.repetition(t.Key, t, again)
	})
	return nil
}

// repetition compares two answers to one request.
func (f *findings) repetition(where string, t, again *turn) {
	switch {
	case again.End == endUnknown:
		f.lost("%s is not answered any more: %s", where, again.Problem)
	case again.Response != t.Response:
		f.duplicated("%s was %s and is now %s", where, t.Response, again.Response)
	case again.Text != t.Text || again.End != t.End:
		f.different("%s was answered %s and now %s", where, answer(t.Text), answer(again.Text))
	}
}

// reread compares a conversation and its responses.
func (a *auditor) reread(ctx context.Context, c *conversation) error {
	if c.ID != "" {
		if err := a.rereadItems(ctx, c); err != nil {
			return err
		}
	}
	if c.Way == wayChain {
		a.find(func(f *findings) { f.chain(c) })
	}
	for _, t := range c.Turns {
		if t.End != endUnknown {
			if err := a.rereadResponse(ctx, c, t); err != nil {
				return err
			}
		}
		for i := range t.Glimpses {
			if err := a.rereadGlimpse(ctx, t, &t.Glimpses[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// rereadGlimpse reads what is kept of a reply that broke off. Nothing was shown
// of it that had not a name.
func (a *auditor) rereadGlimpse(ctx context.Context, t *turn, g *glimpse) error {
	var kept responseObject
	err := a.client.get(ctx, "/v1/responses/"+responseName(g.Response), &kept)
	if err != nil && !absent(err) {
		return err
	}
	a.find(func(f *findings) {
		if err != nil {
			f.lost("%s was shown as the answer to %s: %s", g.Response, t.Key, err)
			return
		}
		f.glimpse(t, g, kept.text(), kept.Status)
	})
	return nil
}

func (a *auditor) rereadItems(ctx context.Context, c *conversation) error {
	path := "/v1/conversations/" + c.ID + "/items"
	forth, err := all[item](ctx, a.client, path, "asc", smallPage)
	if absent(err) {
		forth, err = nil, nil
	}
	if err != nil {
		return err
	}
	back, err := all[item](ctx, a.client, path, "desc", largePage)
	if err != nil && !absent(err) {
		return err
	}
	slices.Reverse(back)
	a.find(func(f *findings) {
		a.items += len(forth)
		got := lines(forth)
		f.conversation(c, got)
		if !slices.Equal(got, lines(back)) {
			f.different("%s reads otherwise backwards", c.ID)
		}
	})
	return nil
}

// responseName is the name under which a kept turn is read, whatever its reply
// was called: a chat completion's has another prefix.
func responseName(reply string) string {
	id, ok := openai.ParseResponseID(reply)
	if !ok {
		return reply // not found, and so counted as lost
	}
	return openai.ResponseID(id)
}

func lines(items []item) []line {
	read := make([]line, len(items))
	for i := range items {
		read[i] = items[i].line()
	}
	return read
}

// rereadResponse compares a turn with the response object and the input that
// are kept under its name.
func (a *auditor) rereadResponse(ctx context.Context, c *conversation, t *turn) error {
	path := "/v1/responses/" + responseName(t.Response)
	var kept responseObject
	var input []item
	err := a.client.get(ctx, path, &kept)
	if err == nil {
		input, err = all[item](ctx, a.client, path+"/input_items", "asc", largePage)
	}
	if err != nil && !absent(err) {
		return err
	}
	a.find(func(f *findings) {
		if err != nil {
			f.lost("%s of %s: %s", t.Response, c.ID, err)
			return
		}
		f.response(t, &kept, lines(input))
	})
	return nil
}

// response compares a turn with what is kept under its name.
func (f *findings) response(t *turn, kept *responseObject, input []line) {
	if end, err := kept.end(); err != nil || end != t.End {
		f.different("%s is kept as %q", t.Response, kept.Status)
	}
	if kept.text() != t.Text {
		f.different("%s is kept with %s instead of %s", t.Response, answer(kept.text()), answer(t.Text))
	}
	f.compare("the input of "+t.Response, []line{{Role: "user", Text: t.Question}}, input)
}

// listed returns how often each conversation is listed.
func (c *client) listed(ctx context.Context) (map[string]int, error) {
	listed, err := all[struct {
		ID string `json:"id"`
	}](ctx, c, "/v1/conversations", "desc", largePage)
	if err != nil {
		return nil, err
	}
	times := make(map[string]int, len(listed))
	for _, l := range listed {
		times[l.ID]++
	}
	return times, nil
}

// list compares the listing of conversations with those that were made.
func (a *auditor) list(ctx context.Context, played []*conversation) error {
	times, err := a.client.listed(ctx)
	if err != nil {
		return err
	}
	for id := range a.before {
		delete(times, id)
	}
	a.find(func(f *findings) { f.listing(played, times) })
	return nil
}

func (f *findings) listing(played []*conversation, times map[string]int) {
	for _, c := range played {
		if c.ID == "" {
			continue
		}
		switch n := times[c.ID]; {
		case n == 0:
			f.lost("%s is not listed", c.ID)
		case n > 1:
			f.duplicated("%s is listed %d times", c.ID, n)
		}
		delete(times, c.ID)
	}
	for id := range times {
		f.duplicated("%s is listed, and nobody knows it", id)
	}
}
