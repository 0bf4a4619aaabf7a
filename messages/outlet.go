package messages

import "sync"

// Outlet is where a turn's chunks are for a client that is called, and waits for nothing:
// a channel of chunks that has no memory while none is in it, which is most of the time.
// One goroutine takes from it; it is safe for others to put into it meanwhile. Its zero
// value, with Come set, is ready.
type Outlet struct {
	// Come is called behind the answer to the turn, all that is put, and the close. It
	// never blocks.
	Come func()

	mu     sync.Mutex
	answer *TurnStarted  // nil until it comes, and once it was taken
	chunks *outletChunks // lent while there are any
	first  int           // the place of the first
	count  int
	closed bool
	room   chan struct{} // closed when one is taken; nil while nobody waits for that
}

// outletRoom is how many chunks may wait for a slow client: a model that is fast says so
// many in the time in which one is looked at.
const outletRoom = 16

type outletChunks [outletRoom]Chunk

var outlets = sync.Pool{New: func() any { return new(outletChunks) }}

// Answer returns the answer to the turn, once; nil where it has not come.
func (o *Outlet) Answer() *TurnStarted {
	o.mu.Lock()
	defer o.mu.Unlock()
	answer := o.answer
	o.answer = nil
	return answer
}

func (o *Outlet) accept(s TurnStarted) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = &s
}

// put takes c in where there is room.
func (o *Outlet) put(c Chunk) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count == outletRoom {
		return false
	}
	if o.chunks == nil {
		o.chunks, o.first = outlets.Get().(*outletChunks), 0
	}
	o.chunks[(o.first+o.count)%outletRoom] = c
	o.count++
	return true
}

// Take returns the first chunk. came is false where there is none, and open once none
// will come any more either.
func (o *Outlet) Take() (c Chunk, came, open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count == 0 {
		return Chunk{}, false, !o.closed
	}
	c, o.chunks[o.first] = o.chunks[o.first], Chunk{}
	o.first = (o.first + 1) % outletRoom
	if o.count--; o.count == 0 {
		outlets.Put(o.chunks)
		o.chunks = nil
	}
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
	return c, true, true
}

// wait returns what is closed once there is room.
func (o *Outlet) wait() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	room := o.room
	if room == nil {
		room = make(chan struct{})
		if o.count < outletRoom {
			close(room)
		} else {
			o.room = room
		}
	}
	return room
}

func (o *Outlet) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}
