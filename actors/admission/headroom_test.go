package admission_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/actors/admission"
	"example.com/parley/messages"
)

// newWatchedDoor returns a door for so many turns at once, whose gate notices what
// tenants take.
func newWatchedDoor(t *testing.T, running int64, weights map[string]int) *door {
	t.Helper()
	d := newConfiguredDoor(t, admission.Config{MaxRunning: running, MaxWaiting: 100, TenantShare: 1, Weights: weights})
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		d.gate.Observe(ctx, func() int64 { return 0 }, 0)
	}()
	t.Cleanup(func() { stop(); <-over })
	return d
}

// has tells how many turns of a tenant were let in, all of which are named alike.
func (d *door) has(name byte) int { return strings.Count(d.names(), string(name)) }

// visit has so many turns of a tenant come at once, and all end.
func (d *door) visit(tenant messages.TenantID, class messages.Priority, turns int) {
	before := len(d.names())
	for range turns {
		d.come(tenant[0], tenant, class)
	}
	for i := range turns {
		d.end(before + i)
	}
}

const second = time.Second + 50*time.Millisecond // and a bit, so that what is noticed each second was

func TestFloodLeavesRoomForWhoWasHereLately(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		places   int64
		polite   int
		class    messages.Priority
		after    time.Duration // that the flood comes behind the polite tenant's visit
		weights  map[string]int
		flood    int // let in of it
		politely int // let in at once of as many as before
	}{
		"as many as it had":       {places: 64, polite: 5, class: messages.PriorityStandard, after: second, flood: 59, politely: 5},
		"an eighth at most":       {places: 64, polite: 20, class: messages.PriorityStandard, after: second, flood: 56, politely: 8},
		"none for batch work":     {places: 64, polite: 5, class: messages.PriorityBatch, after: second, flood: 64},
		"none for long ago":       {places: 64, polite: 5, class: messages.PriorityStandard, after: time.Minute, flood: 64},
		"none of few places":      {places: 4, polite: 2, class: messages.PriorityStandard, after: second, flood: 4},
		"no more than its weight": {places: 64, polite: 8, class: messages.PriorityStandard, after: second, weights: map[string]int{"flood": 15}, flood: 60, politely: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newWatchedDoor(t, tt.places, tt.weights)
				d.come('f', "flood", messages.PriorityStandard) // which is here all the time
				d.visit("polite", tt.class, tt.polite)
				time.Sleep(tt.after)
				for range tt.places + 10 {
					d.come('f', "flood", messages.PriorityStandard)
				}
				if got := d.has('f'); got != tt.flood {
					t.Errorf("%d of the flood were let in", got)
				}
				for range tt.polite {
					d.come('q', "polite", messages.PriorityStandard)
				}
				if got := d.has('q'); got != tt.politely {
					t.Errorf("%d of the polite tenant's were let in", got)
				}
			})
		})
	}
}

func TestRoomThatNobodyComesForIsTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newWatchedDoor(t, 64, nil)
		d.come('f', "flood", messages.PriorityStandard)
		d.visit("polite", messages.PriorityStandard, 8)
		time.Sleep(second)
		for range 70 {
			d.come('f', "flood", messages.PriorityStandard)
		}
		for range 10 { // and a bit, so that the test never ends at the moment of a sweep
			time.Sleep(second)
		}
		if got := d.has('f'); got != 64 {
			t.Errorf("%d of the flood were let in", got)
		}
	})
}

func TestTenantsWithinTheirSharesLeaveNoRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newWatchedDoor(t, 64, nil)
		d.visit("a", messages.PriorityStandard, 40)
		d.visit("b", messages.PriorityStandard, 40)
		time.Sleep(second)
		for range 32 {
			d.come('x', "a", messages.PriorityStandard)
		}
		for range 32 {
			d.come('y', "b", messages.PriorityStandard)
		}
		if x, y := d.has('x'), d.has('y'); x != 32 || y != 32 {
			t.Errorf("%d and %d were let in", x, y)
		}
	})
}
