package cache

import (
	"context"
	"io"
	"sync"

	"example.com/parley/actors/cache/index"
	"example.com/parley/messages"
)

// Flight is a call to a model whose reply others wait for as well: all who ask the
// same while it runs, and hear it from its first word. The turn that makes the call
// feeds it; it goes on when that turn's client leaves, as long as anybody listens.
// It is safe for concurrent use.
type Flight struct {
	insert insert             // what is to be kept, but for the reply
	spec   *messages.TurnSpec // what was asked, as the next; nil where nothing is foreseen
	items  []messages.Item
	cache  *Cache
	shard  *shard

	mu        sync.Mutex
	reply     reply // but for its pieces, until it has ended
	pieces    []stretch
	opened    int           // how often a provider has answered: a second one goes on with the first one's reply
	size      int           // bytes of text
	ended     bool          // nothing more comes
	err       error         // why it ended early
	unshared  bool          // it has what cannot be kept, or told to others
	listeners int           // clients, the caller's own among them
	abandon   func()        // ends the call once nobody listens; nil while the caller's own client does
	changed   chan struct{} // closed at the next change; nil while nobody waits for one
}

// Add takes in a chunk as the caller's client gets it.
func (f *Flight) Add(c messages.Chunk) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch c.Kind {
	case messages.ChunkOpened:
		f.reply.Served = *c.Served
		f.opened++
	case messages.ChunkText, messages.ChunkReasoning:
		if d := c.Details(); c.Choice != 0 || d.Opaque != "" || d.Logprobs != nil {
			f.spoil()
			return
		}
		f.append(c)
	default:
		f.spoil()
		return
	}
	f.tell()
}

// append adds a text to the piece that it goes on with.
func (f *Flight) append(c messages.Chunk) {
	f.size += len(c.Text)
	if n := len(f.pieces); n > 0 && f.pieces[n-1].kind == c.Kind {
		f.pieces[n-1].text = append(f.pieces[n-1].text, c.Text...)
		return
	}
	f.pieces = append(f.pieces, stretch{kind: c.Kind, text: []byte(c.Text)})
}

// stretch is a piece that still grows.
type stretch struct {
	kind messages.ChunkKind
	text []byte
}

// spoil has those who listen go their own way: the reply has more than text. f.mu
// is held.
func (f *Flight) spoil() {
	f.unshared = true
	f.tell()
}

func (f *Flight) tell() {
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// Ended says that nothing more comes. A reply that is whole is kept, and cost is
// what it came to; any other is told to those who listen, and forgotten.
func (f *Flight) Ended(err error, finish messages.FinishReason, usage messages.Usage, cost messages.NanoDollars) {
	f.mu.Lock()
	f.ended, f.err = true, err
	f.reply.Finish, f.reply.Usage = finish, usage
	f.insert.price = int64(cost)
	keep := err == nil && !f.unshared && finish == messages.FinishStop && f.size > 0 && f.size <= f.cache.cfg.MaxReply && f.opened == 1
	if keep {
		for _, p := range f.pieces {
			f.reply.Pieces = append(f.reply.Pieces, piece{Kind: p.kind, Text: string(p.text)})
		}
		f.insert.reply = &f.reply
	}
	f.tell()
	f.mu.Unlock()
	f.cache.calls.Add(-1)
	f.shard.landed(f, keep)
	if keep && f.spec != nil {
		f.cache.foresee(f.spec, f.items, f.insert.reply, f.insert.price)
	}
}

// Leave says that the caller's own client has gone. abandon is called once nobody
// else listens, at once if nobody does.
func (f *Flight) Leave(abandon func()) {
	f.mu.Lock()
	f.listeners--
	alone := f.listeners == 0
	f.abandon = abandon
	f.mu.Unlock()
	if alone {
		abandon()
	}
}

// flights are the calls that run, by the keys of their requests.
type flights struct {
	mu  sync.Mutex
	all map[index.Key]*Flight
}

// joinOrStart joins the call that runs for the same request, and returns it. Where
// there is none f becomes it.
func (s *flights) joinOrStart(f *Flight) (joined *Flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.all[f.insert.key]; other != nil && other.join() {
		return other
	}
	if s.all == nil {
		s.all = make(map[index.Key]*Flight)
	}
	s.all[f.insert.key] = f
	return nil
}

// remove forgets a call, if it is the one that others would join.
func (s *flights) remove(f *Flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[f.insert.key] == f {
		delete(s.all, f.insert.key)
	}
}

// join adds a listener. It fails when the call is given up, or cannot be shared.
func (f *Flight) join() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listeners == 0 || f.unshared || f.ended && f.err != nil {
		return false
	}
	f.listeners++
	return true
}

// leave takes a listener off.
func (f *Flight) leave() {
	f.mu.Lock()
	f.listeners--
	abandon := f.abandon
	alone := f.listeners == 0 && abandon != nil && !f.ended
	f.mu.Unlock()
	if alone {
		abandon()
	}
}

// listener hears a flight from its first word. It implements [Answer].
type listener struct {
	flight  *Flight
	ctx     context.Context
	account *account
	outcome messages.CacheOutcome
	opened  int
	piece   int // that is heard
	heard   int // bytes of it
	tail    int // of finish and usage, how much was told
	closed  bool
}

// Next implements [Answer]. It waits for the call, until ctx ends.
func (l *listener) Next() (messages.Chunk, error) {
	for {
		chunk, wait, err := l.poll()
		if err != nil || wait == nil {
			return chunk, err
		}
		select {
		case <-wait:
		case <-l.ctx.Done():
			return messages.Chunk{}, context.Cause(l.ctx)
		}
	}
}

// poll returns what comes next, or what to wait for.
func (l *listener) poll() (c messages.Chunk, wait <-chan struct{}, err error) {
	f := l.flight
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.unshared:
		return c, nil, ErrUnshared
	case l.opened < f.opened:
		l.opened = f.opened
		served := f.reply.Served
		served.Cache = &l.outcome
		return messages.Chunk{Kind: messages.ChunkOpened, Served: &served}, nil, nil
	case l.next(&c):
		return c, nil, nil
	case f.ended && f.err != nil:
		return c, nil, f.err
	case f.ended:
		if l.tail == 0 {
			f.cache.save(l.account, f.reply.Usage, f.insert.price)
		}
		c, err := tail(&f.reply, l.tail)
		l.tail++
		return c, nil, err
	}
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return c, f.changed, nil
}

// next has what was said since the last time, of one piece.
func (l *listener) next(c *messages.Chunk) bool {
	pieces := l.flight.pieces
	if l.piece < len(pieces)-1 && l.heard == len(pieces[l.piece].text) {
		l.piece, l.heard = l.piece+1, 0
	}
	if l.piece >= len(pieces) || l.heard == len(pieces[l.piece].text) {
		return false
	}
	p := &pieces[l.piece]
	*c = messages.Chunk{Kind: p.kind, Text: string(p.text[l.heard:])}
	l.heard = len(p.text)
	return true
}

// tail is what comes behind the text: why it ends, what it used, and the end.
func tail(r *reply, told int) (messages.Chunk, error) {
	switch told {
	case 0:
		return messages.Chunk{Kind: messages.ChunkFinish, Finish: r.Finish}, nil
	case 1:
		usage := r.Usage
		return messages.Chunk{Kind: messages.ChunkUsage, Usage: &usage}, nil
	default:
		return messages.Chunk{}, io.EOF
	}
}

// Close implements [Answer].
func (l *listener) Close() error {
	if !l.closed {
		l.closed = true
		l.flight.leave()
	}
	return nil
}

// Saved implements [Answer]: what the call cost, once it has ended.
func (l *listener) Saved() messages.NanoDollars {
	l.flight.mu.Lock()
	defer l.flight.mu.Unlock()
	return messages.NanoDollars(l.flight.insert.price)
}
