package cluster_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/messages"
)

// said is what a turn that comes with a handover was shown.
func said(m *messages.StartTurn) (text string) {
	if m.Spec.Handover == nil {
		return "never begun"
	}
	for _, c := range m.Spec.Handover.Shown {
		text += c.Text
	}
	return text
}

// until says text, and then nothing until its client has gone.
func until(text string, reached chan<- struct{}) func(messages.Addressed) {
	return func(m messages.Addressed) {
		turn := m.(*messages.StartTurn)
		turn.Answer(messages.TurnStarted{Conversation: turn.Spec.Conversation})
		say(turn, text)
		close(reached)
		<-turn.Client.Done()
		finish(turn)
	}
}

// goesOn goes on with what it was told that its client was shown.
func goesOn(asked *atomic.Pointer[messages.StartTurn]) func(messages.Addressed) {
	return func(m messages.Addressed) {
		turn := m.(*messages.StartTurn)
		asked.Store(turn)
		turn.Answer(messages.TurnStarted{Conversation: turn.Spec.Conversation})
		say(turn, " and half")
		finish(turn)
	}
}

func TestNextOwnerGoesOnWhereTheLastOneDied(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stream, goOn    bool
		first           string // what the first owner says
		shown, received string
	}{
		"with a stream, behind what was shown":                     {stream: true, goOn: true, first: "half", shown: "half", received: "half and half"},
		"with a stream of which nothing was shown":                 {stream: true, goOn: false, first: "", shown: "", received: " and half"},
		"with a reply in one piece, of which nothing can be shown": {stream: false, goOn: false, first: "half", shown: "", received: " and half"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := database(t)
			a, b, c := join(t, at), join(t, at), join(t, at)
			awaitSpread(t, a, b, c)
			reached := make(chan struct{})
			b.plays(until(tt.first, reached))
			var asked atomic.Pointer[messages.StartTurn]
			a.plays(goesOn(&asked))
			c.plays(goesOn(&asked))
			held, left := &hold{}, atomic.Int64{}
			m := turn(t.Context(), b.in(t), "")
			m.Spec.Stream, m.Spec.Continue = tt.stream, tt.goOn
			m.Limited, m.Admitted = held, func() { left.Add(1) }
			a.start(m)
			if s := started(t, m); s.Err != nil {
				t.Fatal(s.Err)
			}
			<-reached
			var shown messages.Chunk
			if tt.stream && tt.first != "" {
				shown = <-m.Chunks
			}
			b.vanish(t)
			text, end := received(t, m)
			if text = shown.Text + text; text != tt.received || end == nil || end.Status != messages.TurnComplete {
				t.Errorf("got %q and %+v", text, end)
			}
			if got := asked.Load(); got == nil || said(got) != tt.shown || got.Spec.ID != m.Spec.ID || got.Spec.Handover.Owners != 1 {
				t.Errorf("the next owner was asked %+v", got)
			}
			if held.tokens.Load() != 42 || left.Load() != 1 {
				t.Errorf("its limits were told of %d tokens; it left admission %d times", held.tokens.Load(), left.Load())
			}
		})
	}
}

// A turn that its owner had to cut, since it stops, goes on like one whose owner died.
func TestNextOwnerGoesOnWhereTheLastOneCutATurn(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	b.plays(func(m messages.Addressed) {
		turn := m.(*messages.StartTurn)
		turn.Answer(messages.TurnStarted{})
		if turn.Spec.Handover != nil {
			say(turn, "half")
			finish(turn)
			return
		}
		say(turn, "half and ")
		turn.Chunks <- messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{
			Status: messages.TurnPartial, Reason: messages.ReasonServerRestart, Err: &messages.Failure{Code: messages.CodeRestarted},
		}}
		turn.Leave()
		close(turn.Chunks)
	})
	m := turn(t.Context(), b.in(t), "")
	m.Spec.Continue = true
	a.start(m)
	started(t, m)
	if text, end := received(t, m); text != "half and half" || end == nil || end.Status != messages.TurnComplete {
		t.Errorf("got %q and %+v", text, end)
	}
}

// A turn that ends every node which has it is given up before it has ended all.
func TestTurnIsNotHandedOverForEver(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	var owners atomic.Int64
	b.plays(func(m messages.Addressed) {
		turn := m.(*messages.StartTurn)
		owners.Add(1)
		turn.Answer(messages.TurnStarted{})
		turn.Chunks <- messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{
			Status: messages.TurnPartial, Reason: messages.ReasonServerRestart, Err: &messages.Failure{Code: messages.CodeRestarted},
		}}
		turn.Leave()
		close(turn.Chunks)
	})
	m := turn(t.Context(), b.in(t), "")
	a.start(m)
	started(t, m)
	if _, end := received(t, m); end == nil || messages.CodeOf(end.Err) != messages.CodeRestarted || messages.AsFailure(end.Err).NoRetry {
		t.Errorf("it ended as %+v", end)
	}
	if got := owners.Load(); got != 3 {
		t.Errorf("%d owners had it, want 3", got)
	}
}

// A client that has gone is not gone on for.
func TestNobodyGoesOnForAClientThatHasGone(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	reached := make(chan struct{})
	b.plays(until("half", reached))
	var asked atomic.Pointer[messages.StartTurn]
	a.plays(goesOn(&asked))
	client, leave := context.WithCancel(t.Context())
	m := turn(client, b.in(t), "")
	m.Spec.Continue = true
	a.start(m)
	started(t, m)
	<-reached
	leave()
	b.vanish(t)
	received(t, m)
	if asked.Load() != nil {
		t.Error("the next owner was asked")
	}
}

// Whoever looks on at a turn whose owner dies is told that it is out of sight, and not
// that it has ended.
func TestTurnWhoseOwnerDiesIsLostSightOf(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	b.plays(func(m messages.Addressed) {
		m.(*messages.FollowTurn).Show(&script{texts: []string{"half"}})
	})
	follow := messages.NewFollowTurn(b.in(t), messages.TurnID{1})
	a.Carry(follow)
	following := <-follow.Reply
	if following.View == nil {
		t.Fatalf("got %+v", following)
	}
	defer following.View.Leave()
	next := func() messages.Chunk {
		for {
			if c, came := following.View.Next(); came {
				return c
			}
			select {
			case <-following.View.More():
			case <-time.After(patience):
				t.Fatal("nothing comes")
			}
		}
	}
	if c := next(); c.Text != "half" {
		t.Fatalf("got %+v", c)
	}
	b.vanish(t)
	if c := next(); c.Kind != messages.ChunkEnd || c.End.Status != messages.TurnRunning || messages.CodeOf(c.End.Err) != messages.CodeRestarted {
		t.Errorf("it ended as %+v", c.End)
	}
}

// Where a request that nobody has begun is declined, one that its client has read some
// of waits on for the next owner.
func TestTurnThatWasBegunWaitsLongerForTheNextOwner(t *testing.T) {
	t.Parallel()
	at := database(t)
	const lease = 7 * time.Second // longer than a request waits
	a, b := joinFor(t, at, lease), joinFor(t, at, lease)
	awaitSpread(t, a, b)
	reached := make(chan struct{})
	b.plays(until("half", reached))
	var asked atomic.Pointer[messages.StartTurn]
	a.plays(goesOn(&asked))
	m := turn(t.Context(), b.in(t), "")
	m.Spec.Continue = true
	a.start(m)
	started(t, m)
	<-reached
	shown := <-m.Chunks
	b.vanish(t)
	late := turn(t.Context(), m.Spec.Ref(), "late")
	late.Spec.ID = messages.TurnID{2}
	a.start(late)
	if s := started(t, late); s.Err == nil || messages.AsFailure(s.Err).NoRetry {
		t.Errorf("a request that came meanwhile: %v", s.Err)
	}
	if text, end := received(t, m); shown.Text+text != "half and half" || end == nil || end.Status != messages.TurnComplete {
		t.Errorf("got %q behind %q, and %+v", text, shown.Text, end)
	}
}

// Whoever takes a shard over goes on with what is left there in the background before
// anybody else is let in.
func TestNextOwnerTakesUpWhatIsLeftInItsShard(t *testing.T) {
	t.Parallel()
	at := database(t)
	first, second := join(t, at), join(t, at)
	awaitSpread(t, first, second)
	ref := first.in(t)
	shard := messages.ShardOf(ref)
	spec := messages.TurnSpec{
		ID: messages.TurnID{7}, Tenant: ref.Tenant, Conversation: ref.Conversation, Keep: true, Background: true, Continue: true, Model: "m",
		Endpoint: "/v1/responses", Deadline: time.Now().Add(time.Minute),
	}
	if err := first.store.BeginTurn(t.Context(), messages.TurnBegin{
		Epoch: first.Epoch(shard).First() + 1, Create: true, Terms: spec.Terms(), Input: []messages.Item{messages.TextMessage(messages.RoleUser, "hi")},
		Record: messages.TurnRecord{ID: spec.ID, Ref: ref, Status: messages.TurnRunning, Model: "m", Background: true, FirstSeq: 1, Inputs: 1, Created: time.Now()},
	}); err != nil {
		t.Fatal(err)
	}
	taken := make(chan *messages.StartTurn, 1)
	second.plays(func(m messages.Addressed) {
		turn, is := m.(*messages.StartTurn)
		if !is || turn.Spec.ID != spec.ID {
			t.Errorf("it is sent %T", m)
		}
		taken <- turn
		messages.Decline(m, context.Canceled)
	})
	first.leave(t)
	select {
	case turn := <-taken:
		if h := turn.Spec.Handover; h == nil || !h.Stored || h.Owners != 1 || !turn.Spec.Outlives() || turn.Spec.Endpoint != "/v1/responses" || turn.Chunks != nil {
			t.Errorf("taken up as %+v", turn.Spec)
		}
	case <-time.After(patience):
		t.Fatal("nobody takes it up")
	}
	again := messages.UnfinishedTurn{Record: messages.TurnRecord{ID: spec.ID, Ref: ref}, Terms: *spec.Terms()}
	m := again.Start(t.Context())
	second.Return(m) // its shard has closed once more: others find it where it is
	if started := <-m.Reply; messages.CodeOf(started.Err) != messages.CodeShuttingDown {
		t.Errorf("it goes elsewhere: %v", started.Err)
	}
}

// The acceptance of a turn goes with a reply in one piece where that is there, and does
// not wait for one that takes its time.
func TestReplyInOnePieceOnItsWay(t *testing.T) {
	t.Parallel()
	at := database(t)
	asked, owner := join(t, at), join(t, at)
	awaitSpread(t, asked, owner)
	const long = 3 * 64 // chunks, of which a batch has 64
	for name, tt := range map[string]struct {
		late   bool
		chunks int
		breaks bool
	}{
		"at once": {chunks: 1}, "later": {late: true, chunks: 1}, "in several batches": {chunks: long}, "of nothing": {},
		"without an end": {chunks: 1, breaks: true},
	} {
		m := turn(t.Context(), owner.in(t), "")
		m.Spec.Stream = false
		accepted := make(chan struct{})
		owner.plays(func(sent messages.Addressed) {
			m := sent.(*messages.StartTurn)
			m.Answer(messages.TurnStarted{Conversation: m.Spec.Conversation})
			if tt.late {
				<-accepted
			}
			for range tt.chunks {
				say(m, "x")
			}
			if tt.breaks {
				m.Leave()
				close(m.Chunks)
				return
			}
			finish(m)
		})
		asked.start(m)
		if started := <-m.Reply; started.Err != nil || started.Conversation != m.Spec.Conversation {
			t.Fatalf("%s: %+v", name, started)
		}
		close(accepted)
		var text string
		ended := false
		for c := range m.Chunks {
			text += c.Text
			ended = c.Kind == messages.ChunkEnd
		}
		if len(text) != tt.chunks || ended == tt.breaks {
			t.Errorf("%s: %d of %d, ended %t", name, len(text), tt.chunks, ended)
		}
	}
}
