package cluster_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/cluster"
	"example.com/parley/messages"
)

// hold counts what a turn's limits are told.
type hold struct{ tokens atomic.Int64 }

func (h *hold) Settle(tokens int) { h.tokens.Store(int64(tokens)) }

func TestTurnRunsWhereItsConversationIs(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	held, left, began := &hold{}, atomic.Int64{}, atomic.Int64{}
	m := turn(t.Context(), b.in(t), "hello")
	m.Limited, m.Admitted, m.Began = held, func() { left.Add(1) }, func() { began.Add(1) }
	a.start(m)
	if s := started(t, m); s.Err != nil || s.Conversation != m.Spec.Conversation {
		t.Fatalf("got %+v", s)
	}
	text, end := received(t, m)
	if text != "hello" || end == nil || end.Status != messages.TurnComplete {
		t.Errorf("got %q and %+v", text, end)
	}
	if held.tokens.Load() != 42 || left.Load() != 1 || began.Load() != 1 {
		t.Errorf("its limits were told of %d tokens; it left admission %d times, and began %d times", held.tokens.Load(), left.Load(), began.Load())
	}
}

func TestEditsAndQuestionsAreCarried(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	ref := b.in(t)

	add := &messages.AddItems{Ref: ref, Request: messages.TurnID{5}, Items: []messages.Item{messages.TextMessage(messages.RoleUser, "kept")}, Reply: make(chan messages.Edited, 1)}
	a.Carry(add)
	if got := <-add.Reply; got.Err != nil || len(got.Items) != 1 || got.Items[0].Seq != 7 || got.Items[0].Turn != add.Request {
		t.Errorf("added %+v", got)
	}
	erase := &messages.EraseItem{Ref: ref, Item: "msg_1", Reply: make(chan messages.Edited, 1)}
	a.Carry(erase)
	if got := <-erase.Reply; messages.CodeOf(got.Err) != messages.CodeItemAbsent {
		t.Errorf("erased %+v", got)
	}
	cancel := messages.NewCancelTurn(ref, messages.TurnID{1})
	a.Carry(cancel)
	if got := <-cancel.Reply; !got.Found || got.Err != nil {
		t.Errorf("cancelled %+v", got)
	}
}

// A client that does not read holds up nobody's memory: no more is on its way than
// the window has room for.
func TestClientThatDoesNotReadStopsItsTurn(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	var said atomic.Int64
	const chunks, size = 4000, 4 << 10
	b.plays(func(m messages.Addressed) {
		turn := m.(*messages.StartTurn)
		turn.Answer(messages.TurnStarted{})
		for range chunks {
			say(turn, strings.Repeat("x", size))
			said.Add(size)
		}
		finish(turn)
	})
	m := turn(t.Context(), b.in(t), "")
	a.start(m)
	started(t, m)
	var before int64
	await(t, "it never stops", func() bool {
		time.Sleep(100 * time.Millisecond)
		now := said.Load()
		stopped := now == before && now > 0
		before = now
		return stopped
	})
	if before > 1<<20 {
		t.Errorf("%d bytes were said to a client that reads nothing", before)
	}
	if text, end := received(t, m); len(text) != chunks*size || end == nil {
		t.Errorf("of %d bytes %d arrived, with the end %+v", chunks*size, len(text), end)
	}
}

func TestOwnerLearnsThatTheClientHasGone(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	gone := make(chan struct{})
	b.plays(func(m messages.Addressed) {
		turn := m.(*messages.StartTurn)
		turn.Answer(messages.TurnStarted{})
		<-turn.Client.Done()
		close(gone)
		finish(turn)
	})
	client, leave := context.WithCancel(t.Context())
	m := turn(client, b.in(t), "")
	a.start(m)
	started(t, m)
	leave()
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatal("nobody told the owner")
	}
	received(t, m)
}

func TestTurnOnAnotherNodeIsLookedOn(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	b.plays(func(m messages.Addressed) {
		m.(*messages.FollowTurn).Show(&script{texts: []string{"so ", "far", ""}})
	})
	follow := messages.NewFollowTurn(b.in(t), messages.TurnID{1})
	a.Carry(follow)
	following := <-follow.Reply
	if following.View == nil {
		t.Fatalf("got %+v", following)
	}
	defer following.View.Leave()
	var text string
	for {
		c, came := following.View.Next()
		if !came {
			<-following.View.More()
			continue
		}
		if text += c.Text; c.Kind == messages.ChunkEnd {
			break
		}
	}
	if text != "so far" {
		t.Errorf("saw %q", text)
	}
}

// Whoever looks on may know the last event that there is: it was read by way of another
// node. So all of it is there once the view is.
func TestTurnIsLookedOnFromAllThatThereIsOfIt(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	const chunks = 7 * 64 // more are no client's, as what comes of one item is one chunk
	b.plays(func(m messages.Addressed) {
		m.(*messages.FollowTurn).Show(&quiet{script{texts: slices.Repeat([]string{"x"}, chunks)}})
	})
	for range 50 {
		follow := messages.NewFollowTurn(b.in(t), messages.TurnID{1})
		a.Carry(follow)
		following := answered(t, follow.Reply)
		came := 0
		for _, more := following.View.Next(); more; _, more = following.View.Next() {
			came++
		}
		following.View.Leave()
		if came != chunks {
			t.Fatalf("%d chunks of %d were there", came, chunks)
		}
	}
}

// quiet is a view of a turn that says no more for now.
type quiet struct{ script }

func (q *quiet) More() <-chan struct{} { return nil }

// script is a view of what is said already.
type script struct{ texts []string }

func (s *script) Next() (c messages.Chunk, came bool) {
	if len(s.texts) == 0 {
		return c, false
	}
	text := s.texts[0]
	if s.texts = s.texts[1:]; text == "" {
		return messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{}}, true
	}
	return messages.Chunk{Kind: messages.ChunkText, Text: text}, true
}

func (s *script) More() <-chan struct{} {
	more := make(chan struct{}, 1)
	more <- struct{}{}
	return more
}

func (s *script) Leave() {}

// vanish ends a node without a word, as a kill does: its lease runs out.
func (n *node) vanish(t *testing.T) {
	t.Helper()
	n.store.Close()
	n.Close()
}

func TestStreamWhoseOwnerDiesEndsWithARetryableFailure(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	b.plays(func(m messages.Addressed) {
		turn := m.(*messages.StartTurn)
		turn.Answer(messages.TurnStarted{})
		say(turn, "half")
		<-turn.Client.Done()
		finish(turn)
	})
	m := turn(t.Context(), b.in(t), "")
	a.start(m)
	started(t, m)
	if c := <-m.Chunks; c.Text != "half" {
		t.Fatalf("got %+v", c)
	}
	died := time.Now()
	b.vanish(t)
	_, end := received(t, m)
	if end == nil || messages.CodeOf(end.Err) != messages.CodeRestarted || messages.AsFailure(end.Err).NoRetry {
		t.Errorf("it ended as %+v", end)
	}
	if took := time.Since(died); took > patience/2 {
		t.Errorf("it took %s to be told", took)
	}
	awaitSpread(t, a)
	m = turn(t.Context(), m.Spec.Ref(), "again")
	a.start(m)
	if text, _ := received(t, m); text != "again" {
		t.Errorf("the next owner said %q", text)
	}
}

// What is asked while a shard has no owner waits for the next one.
func TestRequestWaitsForTheNextOwner(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	ref := b.in(t)
	b.vanish(t)
	m := turn(t.Context(), ref, "patience")
	a.start(m)
	if s := started(t, m); s.Err != nil {
		t.Fatalf("got %v", s.Err)
	}
	if text, _ := received(t, m); text != "patience" {
		t.Errorf("got %q", text)
	}
}

func TestNodeThatLeavesHandsItsShardsOver(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b, c := join(t, at), join(t, at), join(t, at)
	awaitSpread(t, a, b, c)
	ref := c.in(t)
	c.Retire(time.Minute)
	await(t, "it keeps shards", func() bool { return c.owns() == 0 })
	awaitSpread(t, a, b)
	m := turn(t.Context(), ref, "moved")
	c.start(m) // which is still there
	if text, _ := received(t, m); text != "moved" {
		t.Errorf("by way of the node that leaves: %q", text)
	}
	c.leave(t)
}

// A shard that is at work stays until it is not.
func TestShardAtWorkIsHandedOverAfterIt(t *testing.T) {
	t.Parallel()
	at := database(t)
	a := join(t, at)
	awaitSpread(t, a)
	release := make(chan struct{})
	a.plays(func(m messages.Addressed) {
		turn := m.(*messages.StartTurn)
		turn.Answer(messages.TurnStarted{})
		<-release
		finish(turn)
	})
	m := turn(t.Context(), a.in(t), "")
	shard := messages.ShardOf(m.Spec.Ref())
	a.start(m)
	started(t, m)
	b := join(t, at)
	a.Retire(time.Minute)
	await(t, "what is at rest is not handed over", func() bool { return b.owns() == messages.Shards-1 })
	if a.Epoch(shard) == 0 {
		t.Error("the shard that is at work was closed")
	}
	close(release)
	if _, end := received(t, m); end == nil || end.Status != messages.TurnComplete {
		t.Errorf("the turn ended as %+v", end)
	}
	await(t, "the last shard stays", func() bool { return b.Epoch(shard) == 2 })
}

// A write that the store refuses, since another node has the shard, closes it here.
func TestShardThatAnotherNodeTookIsClosed(t *testing.T) {
	t.Parallel()
	at := database(t)
	a := join(t, at)
	awaitSpread(t, a)
	ref := a.in(t)
	shard := messages.ShardOf(ref)
	b := join(t, at)
	await(t, "the other node gets nothing", func() bool { return b.owns() > 0 })
	if a.Epoch(shard) > 0 {
		if _, err := a.store.GiveShards(t.Context(), a.id, b.id, []messages.Placement{{Shard: shard, Epoch: a.Epoch(shard)}}); err != nil {
			t.Fatal(err)
		}
	}
	a.Doubt(ref)
	await(t, "two nodes have it", func() bool { return a.Epoch(shard) == 0 && b.Epoch(shard) > 1 })
	m := turn(t.Context(), ref, "by the new owner")
	a.start(m)
	if text, _ := received(t, m); text != "by the new owner" {
		t.Errorf("got %q", text)
	}
}

// A node that was frozen, or cut off, is told that it is no member any more.
func TestNodeThatWasRemovedEnds(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	if err := a.store.Leave(t.Context(), b.id); err != nil { // as if its lease had run out
		t.Fatal(err)
	}
	select {
	case end := <-b.ended:
		if b.ended <- end; !errors.Is(end.err, messages.ErrRemoved) {
			t.Errorf("it ended with %v", end.err)
		}
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
	if b.owns() != 0 {
		t.Errorf("it has %d shards open", b.owns())
	}
	awaitSpread(t, a)
}

func TestNodeThatIsCutOffFromTheDatabaseIsNotReady(t *testing.T) {
	t.Parallel()
	at := database(t)
	a := join(t, at)
	awaitSpread(t, a)
	if err := a.Ready(); err != nil {
		t.Errorf("a member is not ready: %v", err)
	}
	a.store.Close()
	await(t, "it stays ready", func() bool { return a.Ready() != nil })
	if a.owns() != messages.Shards {
		t.Errorf("it has %d shards open: nothing was to change", a.owns())
	}
}

// A server that starts again has the address of the one before, which others have
// watched: they must not close the connections to it, now and with every shard that
// moves. All nodes of these tests have one address.
func TestServerThatStartsAgainIsNotTakenForTheOneBefore(t *testing.T) {
	t.Parallel()
	at, address := database(t), freeAddress(t)
	listen := func(cfg *cluster.Config) { cfg.Listen = address }
	a, b := join(t, at), joinAs(t, at, listen)
	awaitSpread(t, a, b)
	before := turn(t.Context(), b.in(t), "before")
	a.start(before)
	received(t, before)
	b.Retire(time.Minute)
	await(t, "it keeps shards", func() bool { return b.owns() == 0 })
	b.leave(t)
	b.Close()
	again := joinAs(t, at, listen)
	awaitSpread(t, a, again)
	after := turn(t.Context(), again.in(t), "after")
	a.start(after)
	if text, _ := received(t, after); text != "after" {
		t.Errorf("got %q", text)
	}
}

// freeAddress is one that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it takes no time
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // it was never used
	return listener.Addr().String()
}
