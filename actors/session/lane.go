package session

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// lane is a sequence of responses.
type lane struct {
	running *running
	waiting []*messages.LaneTurn // oldest first
	last    *messages.LaneTurn   // the one that ended last; nil before the first, and after one that never began
	memory  *messages.Remembered // of the last, where nobody else has it
	held    []*messages.Steering // for the response that brings what the last waits for
}

// running is what a lane is at.
type running struct {
	turn      *messages.LaneTurn
	ending    bool // its client is shown the last of it
	steers    []*messages.Steering
	followers []*messages.LaneTurn // of other lanes: they go on from this one, and wait for it
}

// cancel has the turn end, because the client wants that.
func (r *running) cancel() { r.give(&r.turn.Cancelled) }

// leave has the turn end, because the client is gone.
func (r *running) leave() { r.give(&r.turn.Gone) }

func (r *running) give(signal *messages.Signal) {
	if signal.Give() {
		r.turn.Changed()
	}
}

// ending is what a lane's turn tells the actor before its client is shown the
// last of a turn.
type ending struct{ turn *messages.LaneTurn }

// served is what it tells behind that.
type served struct {
	turn    *messages.LaneTurn
	outcome messages.LaneOutcome
}

// admit starts the turn, has it wait behind the others of its lane, or refuses it.
func (s *session) admit(ctx actor.Context, t *messages.LaneTurn) {
	if s.draining != nil {
		s.client.Refuse(t.Lane, s.draining)
		return
	}
	if s.flying-s.ending == maxFlying {
		s.client.Refuse(t.Lane, errTooManyFlying())
		return
	}
	l, err := s.lane(t.Lane)
	if err != nil {
		s.client.Refuse(t.Lane, err)
		return
	}
	s.flying++
	if l.running != nil {
		l.waiting = append(l.waiting, t)
		return
	}
	s.start(ctx, l, t)
}

// lane finds a lane, and makes it if it is new.
func (s *session) lane(name messages.Lane) (*lane, error) {
	if l := s.lanes[name]; l != nil {
		return l, nil
	}
	if name != (messages.Lane{}) {
		if s.named == maxLanes {
			return nil, errTooManyLanes()
		}
		s.named++
	}
	if s.lanes == nil {
		s.lanes = make(map[messages.Lane]*lane)
	}
	l := &lane{}
	s.lanes[name] = l
	return l, nil
}

// start makes a turn what its lane is at. Where it goes on from one that runs on
// another lane it waits for that: a client may have seen the end of it before its
// session hears of it.
func (s *session) start(ctx actor.Context, l *lane, t *messages.LaneTurn) {
	before := s.runs(t.Previous)
	l.running = &running{turn: t}
	if before != nil && t.Resume == nil {
		before.followers = append(before.followers, t)
		return
	}
	s.launch(ctx, l)
}

// launch has a lane's turn carried out. It ends soon after the session at the latest.
func (s *session) launch(ctx actor.Context, l *lane) {
	t := l.running.turn
	s.recall(t)
	l.bringHeld(t)
	root, self, client := ctx.ActorSystem().Root, ctx.Self(), s.client
	t.Ends = func() { root.Send(self, &ending{turn: t}) }
	s.deps.workers.Add(1)
	go serve(client, t, func(outcome messages.LaneOutcome) {
		root.Send(self, &served{turn: t, outcome: outcome})
		s.deps.workers.Done()
	})
}

// serve begins what a lane is to do next. A panic is the turn's alone, also one
// behind done, which then has no more to say.
func serve(client messages.SessionClient, t *messages.LaneTurn, done func(messages.LaneOutcome)) {
	var said atomic.Bool
	once := func(outcome messages.LaneOutcome) {
		if !said.Swap(true) {
			done(outcome)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			client.Refuse(t.Lane, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			once(messages.LaneOutcome{Failed: true})
		}
	}()
	client.Serve(t, once)
}

// makeRoom counts a turn no more whose client is shown the last of it: with the
// answer to that, the client may already send the next.
func (s *session) makeRoom(m *ending) {
	if l := s.lanes[m.turn.Lane]; l != nil && l.running != nil && l.running.turn == m.turn && !l.running.ending {
		l.running.ending = true
		s.ending++
	}
}

// settle takes what a turn came to, and goes on with its lane. What comes from a
// lane that was abandoned is of the past.
func (s *session) settle(ctx actor.Context, m *served) {
	l := s.lanes[m.turn.Lane]
	if l == nil || l.running == nil || l.running.turn != m.turn {
		return
	}
	steers, followers := l.running.steers, l.running.followers
	if l.running.ending {
		s.ending--
	}
	l.running = nil
	s.flying--
	s.remember(l, m)
	for _, t := range followers {
		s.launch(ctx, s.lanes[t.Lane]) // which is at it still: nothing else can end it
	}
	if successor := s.succeed(l, m, steers); successor != nil {
		s.flying++
		s.start(ctx, l, successor)
		return
	}
	if len(l.waiting) > 0 {
		next := l.waiting[0]
		l.waiting = l.waiting[1:]
		s.start(ctx, l, next)
		return
	}
	s.finishDrain()
}
