package conversation_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/actors/conversation"
)

func TestWorkersRunEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w conversation.Workers
		var ran atomic.Int64
		const callers, each = 16, 200
		for range callers {
			go func() {
				for i := range each {
					w.Go(func() { ran.Add(1) })
					if i%50 == 0 {
						time.Sleep(5 * time.Second) // as long as a worker waits: some leave just now
					}
				}
			}()
		}
		time.Sleep(time.Hour)
		w.Wait()
		if got := ran.Load(); got != callers*each {
			t.Errorf("%d ran, want %d", got, callers*each)
		}
		w.Close()
	})
}

func TestClosedWorkersLeaveNobodyBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which fails when a goroutine is left
		var w conversation.Workers
		release := make(chan struct{})
		w.Go(func() {})
		w.Go(func() { <-release })
		synctest.Wait()
		w.Close()
		done := make(chan struct{})
		w.Go(func() { close(done) })
		<-done
		close(release)
		w.Wait()
	})
}
