package http

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/messages"
)

// late returns a feed whose time is over at a moment, and how often it was called.
func late(at time.Time) *feed {
	f := &feed{turn: &messages.StartTurn{Spec: &messages.TurnSpec{Deadline: at.Add(-lastWord)}}}
	f.calls.Store(1) // as if somebody looked, so that calls are counted alone
	return f
}

func TestFeedsAreCalledWhenTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const count = 200
		var a feeds
		began := time.Now()
		all := make([]*feed, count)
		for i := range all {
			all[i] = late(began.Add(time.Duration(i+1) * time.Second))
			a.enter(all[i])
		}
		left := make(map[*feed]bool)
		for _, i := range rand.Perm(count)[:count/2] { // from anywhere
			left[all[i]] = true
			a.leave(all[i])
		}
		for i, f := range all {
			time.Sleep(time.Until(began.Add(time.Duration(i+1)*time.Second - 1)))
			synctest.Wait()
			if f.calls.Load() != 1 {
				t.Fatalf("feed %d is called before its time", i)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if called := f.calls.Load() == 2; called == left[f] {
				t.Fatalf("feed %d is called: %t, has left: %t", i, called, left[f])
			}
			if !left[f] {
				a.leave(f)
			}
		}
		if a.first != nil || a.last != nil {
			t.Error("somebody is left")
		}
		again := late(time.Now().Add(time.Minute)) // of a list that was empty
		a.enter(again)
		time.Sleep(time.Minute)
		synctest.Wait()
		if again.calls.Load() != 2 {
			t.Error("who comes later is not called")
		}
		a.callAll()
		if again.calls.Load() != 3 {
			t.Error("who is there is not called when the server cuts it")
		}
	})
}
