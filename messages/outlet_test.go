package messages_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"example.com/parley/messages"
)

// called is a turn whose client is called, and how often it was.
func called() (m *messages.StartTurn, o *messages.Outlet, calls *int) {
	calls = new(int)
	o = &messages.Outlet{Come: func() { *calls++ }}
	return messages.NewCalledTurn(context.Background(), &messages.TurnSpec{}, o), o, calls
}

func TestAnOutletGivesWhatWasPutInOrder(t *testing.T) {
	t.Parallel()
	m, o, calls := called()
	next, taken := 0, 0
	for round := range 20 {
		for range round { // more than there is room for, in the end
			if m.Put(messages.Chunk{Text: strconv.Itoa(next)}) {
				next++
			}
		}
		for range round / 2 {
			c, came, open := o.Take()
			if !came || !open || c.Text != strconv.Itoa(taken) {
				t.Fatalf("chunk %d is %q, %t, %t", taken, c.Text, came, open)
			}
			taken++
		}
	}
	m.CloseChunks()
	for ; taken < next; taken++ {
		if c, came, open := o.Take(); !came || !open || c.Text != strconv.Itoa(taken) {
			t.Fatalf("chunk %d is %q, %t, %t", taken, c.Text, came, open)
		}
	}
	if _, came, open := o.Take(); came || open {
		t.Error("there is something behind the end")
	}
	if *calls != next+1 {
		t.Errorf("its client was called %d times, for %d chunks and the end", *calls, next)
	}
}

func TestWhoeverFindsNoRoomInAnOutletIsToldOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, o, _ := called()
		<-m.Room() // there is some
		for m.Put(messages.Chunk{}) {
		}
		var told sync.WaitGroup
		for range 3 {
			told.Go(func() { <-m.Room() })
		}
		synctest.Wait()
		select {
		case <-m.Room():
			t.Error("there is no room")
		default:
		}
		o.Take()
		told.Wait()
	})
}

// A turn whose client waits has a channel, which Put fills and nothing else.
func TestPutFillsTheChannelOfAClientThatWaits(t *testing.T) {
	t.Parallel()
	m := messages.NewStartTurn(context.Background(), messages.TurnSpec{Stream: true})
	count := 0
	for m.Put(messages.Chunk{Index: count}) {
		count++
	}
	if count != cap(m.Chunks) || m.Room() != nil || !m.IsRead() {
		t.Errorf("it takes %d of %d chunks", count, cap(m.Chunks))
	}
	m.CloseChunks()
	for c := range m.Chunks {
		count--
		_ = c
	}
	if count != 0 {
		t.Errorf("%d chunks are lost", count)
	}
	background := messages.NewStartTurn(context.Background(), messages.TurnSpec{Background: true})
	if background.IsRead() || background.Room() != nil {
		t.Error("a turn in the background is read by somebody")
	}
	background.CloseChunks() // which there are none of
}

func TestAnOutletHoldsNothingWhileItIsEmpty(t *testing.T) {
	m, o, _ := called()
	if allocated := testing.AllocsPerRun(100, func() {
		m.Put(messages.Chunk{Text: "x"})
		m.Put(messages.Chunk{Text: "y"})
		o.Take()
		o.Take()
	}); allocated > 0.5 { // a collection may empty the pool
		t.Errorf("%g allocations for two chunks", allocated)
	}
}

func TestAnOutletIsFilledAndEmptiedAtOnce(t *testing.T) {
	t.Parallel()
	const chunks = 10_000
	come := make(chan struct{}, 1)
	o := &messages.Outlet{Come: func() {
		select {
		case come <- struct{}{}:
		default:
		}
	}}
	m := messages.NewCalledTurn(context.Background(), &messages.TurnSpec{}, o)
	go func() { // ends when all were put
		for i := range chunks {
			for !m.Put(messages.Chunk{Index: i}) {
				<-m.Room()
			}
		}
		m.CloseChunks()
	}()
	for taken := 0; ; {
		c, came, open := o.Take()
		switch {
		case came && c.Index != taken:
			t.Fatalf("chunk %d comes as %d", c.Index, taken)
		case came:
			taken++
		case !open && taken < chunks:
			t.Fatalf("it ends behind %d", taken)
		case !open:
			return
		default:
			<-come
		}
	}
}
