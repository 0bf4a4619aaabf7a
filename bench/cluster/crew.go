package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"example.com/parley/bench/report"
)

// crew is clients who write to conversations and read them, two to each, until they
// are sent home. A conversation is left for a new one when it is about to fill a
// page of its listing.
type crew struct {
	site  *site
	began time.Time
	ctx   context.Context // of the run
	home  chan struct{}
	group sync.WaitGroup

	mu     sync.Mutex
	now    map[int]*history // the conversation that a pair works on
	all    []*history
	kinds  map[string]int      // what went wrong, by kind
	writes map[int][]operation // that were told of, by pair
}

const (
	writesEach = 40 // to a conversation, by both together
	readEvery  = 8  // operations of a client
)

func newCrew(ctx context.Context, s *site, pairs int) *crew {
	c := &crew{site: s, began: time.Now(), ctx: ctx, home: make(chan struct{}), now: make(map[int]*history), writes: make(map[int][]operation), kinds: make(map[string]int)}
	for pair := range pairs {
		for second := range 2 {
			c.group.Go(func() { c.work(pair, second) })
		}
	}
	return c
}

// since is the time of the run.
func (c *crew) since() time.Duration { return time.Since(c.began) }

func (c *crew) note(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kinds[kind]++
}

// fault says what no client should have been told. That nobody answered in time is
// no such thing.
func (c *crew) fault(err error) {
	if final, is := errors.AsType[*finalError](err); is && c.ctx.Err() == nil {
		report.Say("a client was told: %v", final)
	}
}

func (c *crew) work(pair, second int) {
	client := newClient(c.site, pair+second, c.note)
	for n := 1; ; n++ {
		select {
		case <-c.home:
			return
		case <-c.ctx.Done():
			return
		default:
		}
		h, err := c.historyOf(client, pair)
		if err != nil {
			c.fault(err)
			continue
		}
		client.next++ // any node
		if n%readEvery == 0 {
			c.read(client, h, 2*pair+second)
		} else {
			c.write(client, h, pair, second, n%2 == 0)
		}
	}
}

// historyOf is what the pair works on: a new conversation where the last is full.
func (c *crew) historyOf(by *client, pair int) (*history, error) {
	c.mu.Lock()
	h := c.now[pair]
	c.mu.Unlock()
	if h != nil {
		h.mu.Lock()
		full := h.tokens >= writesEach
		h.mu.Unlock()
		if !full {
			return h, nil
		}
	}
	id, err := by.create(c.ctx)
	if err != nil {
		return nil, err
	}
	made := &history{conversation: id}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.now[pair]; other != h {
		return other, nil // the other of the pair was first
	}
	c.now[pair] = made
	c.all = append(c.all, made)
	return made, nil
}

func (c *crew) write(by *client, h *history, pair, second int, stream bool) {
	o := operation{write: true, token: h.next(), client: 2*pair + second, called: c.since()}
	var err error
	o.outcome, err = by.write(c.ctx, h.conversation, o.token, stream)
	c.fault(err)
	o.ended = c.since()
	h.note(o)
	if o.outcome == told {
		c.mu.Lock()
		c.writes[pair] = append(c.writes[pair], o)
		c.mu.Unlock()
	}
}

func (c *crew) read(by *client, h *history, who int) {
	o := operation{client: who, called: c.since()}
	var err error
	if o.seen, err = by.read(c.ctx, h.conversation); err != nil {
		c.fault(err)
		return
	}
	o.ended = c.since()
	h.note(o)
}

// goHome waits until all have done what they are at.
func (c *crew) goHome() {
	close(c.home)
	c.group.Wait()
}

// conversations are those that the pairs work on.
func (c *crew) conversations() (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.now {
		ids = append(ids, h.conversation)
	}
	slices.Sort(ids)
	return ids
}

// gaps is the longest time for which each pair was told of nothing that it wrote, from a
// moment on until now.
func (c *crew) gaps(from time.Duration, pairs int) (each []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pair := range pairs {
		most, last := time.Duration(0), from
		for _, o := range c.writes[pair] {
			if o.ended > from {
				most, last = max(most, o.ended-last), max(last, o.ended)
			}
		}
		each = append(each, most)
	}
	return each
}

// firstToldAfter is when a pair was told of a write that it had asked for after a
// moment.
func (c *crew) firstToldAfter(pair int, moment time.Duration) (ended time.Duration, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range slices.Backward(c.writes[pair]) {
		if o.ended < moment {
			break
		}
		if o.called >= moment && (!found || o.ended < ended) {
			ended, found = o.ended, true
		}
	}
	return ended, found
}

// waited is how long each pair was told of nothing that it wrote, from a moment on.
// It waits for those that still are.
func (c *crew) waited(ctx context.Context, from time.Duration, pairs int) (each []time.Duration) {
	for pair := range pairs {
		for ctx.Err() == nil {
			if ended, found := c.firstToldAfter(pair, from); found {
				each = append(each, ended-from)
				break
			}
			select {
			case <-time.After(retryPause):
			case <-ctx.Done():
			}
		}
	}
	return each
}
