package edge

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/messages"
)

func nameOf(n int) messages.CacheName {
	return messages.CacheName{Tenant: "acme", Entry: uint64(n)} // #nosec G115 -- small
}

// Where an edge node goes on depends on whose cursor it has, and on what is still there.
func TestAFeedGoesOnWhereAnEdgeNodeWas(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		shared bool
		cursor func(f *Feed) cursor
		from   int // number of the first event that is read
		reset  bool
	}{
		"from nothing":                      {cursor: func(*Feed) cursor { return cursor{} }, reset: true},
		"from its own cursor":               {cursor: func(f *Feed) cursor { return cursor{Feed: f.name, Next: 3} }, from: 3},
		"from one that is ahead":            {cursor: func(f *Feed) cursor { return cursor{Feed: f.name, Next: 9} }, reset: true},
		"from another's, shared":            {shared: true, cursor: func(*Feed) cursor { return cursor{Feed: "other", At: time.Now()} }, from: 4},
		"from another's, not shared":        {cursor: func(*Feed) cursor { return cursor{Feed: "other", At: time.Now()} }, reset: true},
		"from another's, before this began": {shared: true, cursor: func(*Feed) cursor { return cursor{Feed: "other", At: time.Now().Add(-time.Minute)} }, reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := NewFeed(test.shared)
				for n := range 6 { // one every ten seconds: those of numbers 4 and 5 are within the overlap
					time.Sleep(10 * time.Second)
					f.Kept(nameOf(n), []byte("record"))
				}
				events, next, behind, reset := f.read(test.cursor(f))
				if reset != test.reset || len(events) != 6-test.from || behind != 0 || next.Next != 6 || next.Feed != f.name {
					t.Fatalf("%d events, behind %d, reset %t, cursor %+v; want %d, reset %t", len(events), behind, reset, next, 6-test.from, test.reset)
				}
				if len(events) > 0 && events[0].Name != nameOf(test.from) {
					t.Errorf("it begins with %v", events[0].Name)
				}
			})
		})
	}
}

func TestAFeedLetsTheOldestGo(t *testing.T) {
	t.Parallel()
	f := NewFeed(true)
	f.most = 10 * (eventOverhead + 100)
	for n := range 30 {
		f.Kept(nameOf(n), make([]byte, 100))
	}
	if len(f.events) != 10 || f.first != 20 || f.bytes != f.most {
		t.Fatalf("%d events of %d bytes from number %d", len(f.events), f.bytes, f.first)
	}
	if _, _, _, reset := f.read(cursor{Feed: f.name, Next: 19}); !reset {
		t.Error("an edge node that missed one is not told")
	}
	if events, _, _, reset := f.read(cursor{Feed: f.name, Next: 20}); reset || len(events) != 10 {
		t.Errorf("one that missed none reads %d, reset %t", len(events), reset)
	}
}

func TestAFeedIsReadInBatches(t *testing.T) {
	t.Parallel()
	f := NewFeed(false)
	const all = 2*batchEvents + 10
	for n := range all {
		f.Kept(nameOf(n), nil)
	}
	at, read := cursor{Feed: f.name}, 0
	for _, want := range []int{batchEvents, batchEvents, 10} {
		events, next, behind, reset := f.read(at)
		if read += len(events); len(events) != want || behind != all-read || reset {
			t.Fatalf("%d events, behind %d, reset %t", len(events), behind, reset)
		}
		at = next
	}
}

func TestAFeedIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := NewFeed(false)
		woken := make(chan time.Duration, 2)
		began := time.Now()
		wait := func(patience time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			f.await(ctx, cursor{Feed: f.name})
			woken <- time.Since(began)
		}
		go wait(time.Second)
		go wait(time.Minute)
		time.Sleep(5 * time.Second)
		f.Emptied("acme")
		if first, second := <-woken, <-woken; first != time.Second || second != 5*time.Second {
			t.Error(fmt.Sprint(first, " ", second))
		}
	})
}
