package cluster

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

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
			peer := actor.NewPID(address, relayName(asking.ID))
			client, cancel := context.WithCancel(t.Context())
			r := &relay{
				cluster: &Cluster{},
				watched: map[string]*colleague{peer.String(): {pid: peer, member: tt.known, since: time.Now()}},
				served:  map[asker]*served{{peer: peer.String(), call: 1}: {client: client, cancel: cancel}},
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
				r := &relay{cluster: &Cluster{}, watched: make(map[string]*colleague), served: make(map[asker]*served)}
				peer := actor.NewPID(stranger.Address, relayName(stranger.ID))
				r.cluster.table.Store(&topology{members: []messages.Member{us}})
				r.watched[peer.String()] = &colleague{pid: peer, since: time.Now()}
				r.served[asker{peer: peer.String(), call: 1}] = &served{client: client, cancel: cancel}
				began := time.Now()
				for i, at := range tt.reads {
					time.Sleep(time.Until(began.Add(at)))
					members := []messages.Member{us, other} // at the same address: its connection is another's
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
				if left := len(r.watched) == 0; left != tt.forsaken {
					t.Errorf("not watched any more: %t", left)
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
	s := &served{cluster: &Cluster{}, client: client, cancel: cancel, credit: make(chan struct{}, 1)}
	chunks := []*remote.Chunk{{}}
	s.credit <- struct{}{}
	s.send(chunks, false)
	s.credit <- struct{}{}
	cancel()
	s.send(chunks, false)
	if next := s.number.Load(); next != 2 {
		t.Errorf("the next batch has the number %d", next)
	}
	s.send(chunks, true)
	if next := s.number.Load(); next != 4 {
		t.Errorf("the last batch had the number %d", next-1)
	}
}
