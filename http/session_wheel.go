package http

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// wheel looks after all connections from one goroutine: each tick a two-hundredth
// of them is asked whether it is there, and those that were asked a while ago and did
// not answer are closed. It is safe for concurrent use.
type wheel struct {
	slots [wheelSlots]slot
	next  atomic.Uint64
}

// wheelSlots is how many ticks all connections take: a tenth of a second each, as
// pings are configured at first. Those of one tick, and what is answered, come in one
// moment, and what streams waits behind them: with 10,000 connections 50 at a time.
const wheelSlots = 200

// slot is the connections of one tick.
type slot struct {
	mu       sync.Mutex
	sessions []*session
}

func (w *wheel) add(n *session) {
	n.slot = &w.slots[w.next.Add(1)%wheelSlots]
	n.slot.mu.Lock()
	defer n.slot.mu.Unlock()
	n.place = len(n.slot.sessions)
	n.slot.sessions = append(n.slot.sessions, n)
}

// remove forgets a connection; one that was never added is not there.
func (w *wheel) remove(n *session) {
	if n.slot == nil {
		return
	}
	n.slot.mu.Lock()
	defer n.slot.mu.Unlock()
	last := len(n.slot.sessions) - 1
	moved := n.slot.sessions[last]
	n.slot.sessions[n.place], moved.place = moved, n.place
	n.slot.sessions[last] = nil
	n.slot.sessions = n.slot.sessions[:last]
}

// each calls f with every connection. f does not block.
func (w *wheel) each(f func(*session)) {
	for i := range w.slots {
		w.slots[i].each(f)
	}
}

func (s *slot) each(f func(*session)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.sessions {
		f(n)
	}
}

// lookAfterSockets turns the wheel until ctx ends.
func (s *Server) lookAfterSockets(ctx context.Context) {
	cfg := &s.cfg.Sessions
	tick := cfg.PingEvery / wheelSlots
	behind := int((cfg.PongWithin + tick - 1) / tick) // ticks from a ping to its last moment
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var checking sync.WaitGroup // of keys: a store that does not answer must not stop the wheel
	defer checking.Wait()
	busy := make(chan struct{}, 1)
	for turn := 0; ; turn++ {
		select {
		case now := <-ticker.C:
			var due []*session
			s.sockets.wheel.slots[(turn+wheelSlots-behind%wheelSlots)%wheelSlots].each(func(n *session) {
				if n.look(now) {
					due = append(due, n)
				}
			})
			s.sockets.wheel.slots[turn%wheelSlots].each(func(n *session) { n.ping(now) })
			s.recheck(ctx, due, &checking, busy)
		case <-ctx.Done():
			return
		}
	}
}

// recheck looks whether the keys of connections are still valid, unless others are
// being looked at: those come with their next turn.
func (s *Server) recheck(ctx context.Context, due []*session, checking *sync.WaitGroup, busy chan struct{}) {
	if len(due) == 0 {
		return
	}
	select {
	case busy <- struct{}{}:
	default:
		return
	}
	checking.Go(func() {
		defer func() { <-busy }()
		for _, n := range due {
			if ctx.Err() != nil {
				return
			}
			n.recheck(ctx)
		}
	})
}

// openRoute is what a key has to open for its connections to stay.
var openRoute = route{method: fiber.MethodGet, pattern: socketPattern, access: responses | socket}

// recheck closes a connection whose key does not open it any more, and has turns
// that come use what it allows by now. A store that cannot
// say so closes none.
func (n *session) recheck(ctx context.Context) {
	who, err := n.server.standing.Current(ctx, n.asked.key)
	if err == nil {
		err = openRoute.permit(&who)
	}
	switch messages.CodeOf(err) {
	case "":
		n.who.Store(&who)
		n.checked.Store(time.Now().UnixNano())
	case messages.CodeInvalidKey, messages.CodePermission:
		n.out.close(closePolicy, reasonKey)
	}
}

// ping asks a client whether it is there.
func (n *session) ping(now time.Time) {
	n.pinged, n.sent = now, n.line.written.Load()
	n.out.post(appendFrame(nil, pingFrame, ""))
}

// look closes a connection that did not answer, or whose message does not end. It
// tells one that is too old so, and tells whether the key is due.
func (n *session) look(now time.Time) (keyDue bool) {
	cfg := &n.server.cfg
	began := n.reading.Load()
	switch {
	case !n.pinged.IsZero() && n.line.heard.Load() < n.pinged.UnixNano():
		n.giveUp()
		return false
	case began != 0 && now.Sub(time.Unix(0, began)) > cfg.ReadTimeout:
		n.out.close(closePolicy, reasonUnended)
		return false
	case n.core != nil && n.server.core.Standing() != nil:
		n.out.close(closeTryAgain, reasonCutOff)
		return false
	case !n.old && now.Sub(n.opened) > cfg.Sessions.MaxAge:
		n.old = true
		n.tell(&messages.DrainSession{Why: tooOld(cfg.Sessions.MaxAge)})
	}
	return now.Sub(time.Unix(0, n.checked.Load())) > cfg.Sessions.KeyCheckEvery
}

// aStream is how many bytes behind a ping are more than an answer or two.
const aStream = 4 << 10

// giveUp ends a connection whose client has not answered in time. One that was sent a
// lot meanwhile may be there, and not have come to the ping yet, which is behind all
// that the network holds: it reads too slowly, and is told so. Else there is nobody to
// tell.
func (n *session) giveUp() {
	if n.out.isClosed() {
		return // its end has a time of its own
	}
	if n.line.written.Load()-n.sent > aStream {
		n.out.cutSlow()
		return
	}
	_ = n.line.Close() // its reader counts it
}

// tooOld is why a connection that was open for long enough begins nothing more.
func tooOld(age time.Duration) error {
	return &messages.Failure{
		Code: messages.CodeConnectionLimit, What: "this connection was open for " + age.String() + ", as long as one may be",
		Do: "create a new WebSocket connection to continue",
	}
}

// leaveSoon announces that the server stops.
func (n *session) leaveSoon(spread time.Duration) {
	if n.draining.Swap(true) {
		return
	}
	n.say(openai.AppendDraining(nil, jittered(spread)))
	n.tell(&messages.DrainSession{Why: shuttingDown()})
}
