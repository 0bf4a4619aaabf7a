package cluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/encoding/protodelim"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// A node may ask before the one that it asks has read that it is a member, and must not
// be taken for one that was removed.
func TestOnlyWhoWasAMemberIsForsaken(t *testing.T) {
	t.Parallel()
	const address = "10.0.0.2:7946"
	us := messages.Member{ID: "us", Address: "10.0.0.1:7946"}
	asking := messages.Member{ID: "asking", Address: address}
	again := messages.Member{ID: "again", Address: address} // it has started again since
	for name, tt := range map[string]struct {
		known    bool // when it first asked
		read     [][]messages.Member
		forsaken bool
	}{
		"a member stays one":                      {known: true, read: [][]messages.Member{{us, asking}}},
		"one that was removed":                    {known: true, read: [][]messages.Member{{us, again}}, forsaken: true},
		"one that has just joined":                {read: [][]messages.Member{{us}, {us}}},
		"one that has joined, and was read of":    {read: [][]messages.Member{{us}, {us, asking}}},
		"one that was read of later, and removed": {read: [][]messages.Member{{us}, {us, asking}, {us, again}}, forsaken: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := newLink(us.ID, asking.ID, linkEvents{})
			client, cancel := context.WithCancel(t.Context())
			r := &relay{
				cluster: &Cluster{},
				peers:   map[*link]*colleague{peer: {member: tt.known, since: time.Now()}},
				served:  map[asker]*served{{link: peer, call: 1}: {client: client, cancel: cancel}},
			}
			for _, members := range tt.read {
				if client.Err() != nil {
					t.Fatal("it was forsaken early")
				}
				r.cluster.table.Store(&topology{members: members})
				r.forgetRemoved()
			}
			if got := client.Err() != nil; got != tt.forsaken {
				t.Errorf("forsaken: %t", got)
			}
		})
	}
}

// Whoever asks and never becomes a member is waited for, but not for ever: only what was
// read behind that counts, so that nobody is forsaken while the table cannot be read.
func TestStrangerIsForsakenInTheEnd(t *testing.T) {
	t.Parallel()
	us, stranger, other := messages.Member{ID: "us", Address: "10.0.0.1:7946"}, messages.Member{ID: "stranger", Address: "10.0.0.2:7946"}, messages.Member{ID: "other", Address: "10.0.0.2:7946"}
	for name, tt := range map[string]struct {
		reads    []time.Duration // when the table is read, behind its first request
		joined   int             // from which of them on it is a member; 0 for never
		forsaken bool
	}{
		"within its time":                   {reads: []time.Duration{time.Second, strangerPatience}},
		"behind it":                         {reads: []time.Duration{time.Second, strangerPatience + time.Millisecond}, forsaken: true},
		"while the table cannot be read":    {reads: []time.Duration{time.Second}},
		"a member that was read of late":    {reads: []time.Duration{time.Second, 2 * strangerPatience}, joined: 1},
		"a member of old that is there yet": {reads: []time.Duration{time.Second, 2 * strangerPatience, 3 * strangerPatience}, joined: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := &relay{cluster: &Cluster{}, peers: make(map[*link]*colleague), served: make(map[asker]*served)}
				peer := newLink(us.ID, stranger.ID, linkEvents{})
				r.cluster.table.Store(&topology{members: []messages.Member{us}})
				r.peers[peer] = &colleague{since: time.Now()}
				r.served[asker{link: peer, call: 1}] = &served{client: client, cancel: cancel}
				began := time.Now()
				for i, at := range tt.reads {
					time.Sleep(time.Until(began.Add(at)))
					members := []messages.Member{us, other}
					if tt.joined > 0 && i >= tt.joined {
						members = []messages.Member{us, stranger}
					}
					r.cluster.table.Store(&topology{members: members})
					r.forgetRemoved()
				}
				time.Sleep(10 * strangerPatience)
				if got := client.Err() != nil; got != tt.forsaken {
					t.Errorf("forsaken: %t", got)
				}
				if left := peer.ctx.Err() != nil; left != tt.forsaken {
					t.Errorf("its link was ended: %t", left)
				}
			})
		})
	}
}

// What is not sent, since nobody is thought to wait for it, is missed by whoever waits
// nevertheless.
func TestBatchThatIsNotSentHasANumber(t *testing.T) {
	t.Parallel()
	client, cancel := context.WithCancel(t.Context())
	s := &served{from: asker{link: newLink("us", "them", linkEvents{})}, client: client, cancel: cancel, credit: make(chan struct{}, 1)}
	chunks := []*remote.Chunk{{}}
	s.credit <- struct{}{}
	s.send(chunks, false)
	s.credit <- struct{}{}
	cancel()
	s.send(chunks, false)
	if next := s.number; next != 2 {
		t.Errorf("the next batch has the number %d", next)
	}
	s.send(chunks, true)
	if next := s.number; next != 4 {
		t.Errorf("the last batch had the number %d", next-1)
	}
}

// frames are what was sent over a link that is not connected.
func frames(t *testing.T, l *link) (sent []*remote.Frame) {
	t.Helper()
	pending, _ := l.take()
	for from := bufio.NewReader(bytes.NewReader(pending)); ; {
		frame := &remote.Frame{}
		if err := protodelim.UnmarshalFrom(from, frame); errors.Is(err, io.EOF) {
			return sent
		} else if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, frame)
	}
}

// A node of another version may ask for what this one does not know. Nobody waits for an
// answer that does not come.
func TestRequestThatIsNotUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	asking, asked := newLink("asking", "asked", linkEvents{}), newLink("asked", "asking", linkEvents{})
	r := &relay{cluster: &Cluster{deps: Deps{Log: slog.New(slog.DiscardHandler)}}, peers: make(map[*link]*colleague)}
	r.cluster.table.Store(&topology{})
	r.serve(asked, &remote.Ask{Call: 7})
	said := frames(t, asked)
	if len(said) != 1 || said[0].GetAnswer().GetRefused() == nil {
		t.Fatalf("it said %v", said)
	}
	add := &messages.AddItems{Reply: make(chan messages.Edited, 1)}
	r.calls = map[uint64]*call{7: {outgoing: &outgoing{m: add}, link: asking, stop: func() bool { return true }}}
	r.hear(asking, said[0])
	if got := <-add.Reply; messages.CodeOf(got.Err) != messages.CodeStaleEpoch || messages.AsFailure(got.Err).NoRetry {
		t.Errorf("it was answered with %+v", got)
	}
}

// Numbers of calls are the asker's. Another node cannot speak of them.
func TestOnlyWhoWasAskedAnswers(t *testing.T) {
	t.Parallel()
	asked, other := newLink("us", "asked", linkEvents{}), newLink("us", "other", linkEvents{})
	r := &relay{calls: map[uint64]*call{7: {link: asked}}}
	r.hear(other, answerFrame(&remote.Answer{Call: 7, Reply: &remote.Answer_Edited{Edited: &remote.Edited{}}}))
	r.hear(other, batchFrame(&remote.Batch{Call: 7, Last: true}))
	if r.calls[7] == nil {
		t.Error("another node's answer was taken")
	}
	if said := frames(t, other); len(said) != 1 || said[0].GetGone().GetCall() != 7 {
		t.Errorf("it was told %v", said)
	}
}

func TestLinkThatThereIsNoPlaceForEnds(t *testing.T) {
	t.Parallel()
	ended := make(chan *link, 1)
	w := &wire{self: "us", links: make(map[*link]struct{}), events: linkEvents{ended: func(l *link) { ended <- l }}}
	for range mostLinks {
		w.links[newLink("us", "them", w.events)] = struct{}{}
	}
	l := w.call("one more", "127.0.0.1:1")
	if got := <-ended; got != l || !errors.Is(l.cause(), errTooManyLinks) {
		t.Errorf("it ended with %v", l.cause())
	}
}
