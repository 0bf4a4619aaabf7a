package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestHeapGetsRoomForWhatIsAllocated(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for name, tt := range map[string]struct {
		live      uint64
		allocated float64
		want      int
	}{
		"before the first collection":          {live: 0, allocated: 0, want: 400},
		"a small heap at rest":                 {live: 4 * mb, allocated: 0, want: 400},
		"a small heap that is hot":             {live: 8 * mb, allocated: 300 * mb, want: 400},
		"a larger one at rest":                 {live: 32 * mb, allocated: 0, want: 100},
		"a heap of many conversations":         {live: 128 * mb, allocated: 30 * mb, want: 100},
		"a heap of many that talk":             {live: 128 * mb, allocated: 192 * mb, want: 150},
		"a heap of many and a hot server":      {live: 128 * mb, allocated: 384 * mb, want: 300},
		"more is allocated than can be helped": {live: 128 * mb, allocated: 4096 * mb, want: 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := room(tt.live, tt.allocated); got != tt.want {
				t.Errorf("got %d percent, want %d", got, tt.want)
			}
		})
	}
}

// A load that comes gets room with the next look, and gives it back by and by.
func TestPaceFollowsTheLoad(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	now, percent, times := heap{live: 100 * mb}, 0, 0
	p := newPace(func() heap { return now }, func(set int) { percent, times = set, times+1 })
	for _, second := range []struct {
		what      string
		allocated uint64
		want      int
	}{
		{"at rest", 0, 100},
		{"a load has come", 390 * mb, 390},
		{"it changes a little", 400 * mb, 390},
		{"it has gone", 0, 200},
		{"a second more", 0, 100},
		{"and another", 0, 100},
	} {
		now.allocated += second.allocated
		if p.adjust(); percent != second.want {
			t.Errorf("%s: %d percent, want %d", second.what, percent, second.want)
		}
	}
	if times != 4 {
		t.Errorf("it was set %d times, want 4", times)
	}
}

func TestPaceEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second+collectEvery/2)
		defer cancel()
		p := newPace(func() heap { looks++; return heap{} }, func(int) {})
		if err := p.run(ctx); err != nil || looks != 1+1+3 {
			t.Errorf("%v, %d looks, want one when it is made, one at the start and one a second", err, looks)
		}
	})
}

func TestOperatorKeepsTheCollectorsPaceHimself(t *testing.T) {
	t.Parallel()
	for variable, ours := range map[string]bool{"HOME=/root": true, "GOGC=100": false, "GOMEMLIMIT=1GiB": false} {
		if got := pacing([]string{"PATH=/bin", variable}) != nil; got != ours {
			t.Errorf("with %s the pace is the server's: %t, want %t", variable, got, ours)
		}
	}
}

func TestRuntimeTellsOfItsHeap(t *testing.T) {
	t.Parallel()
	before := lookAtHeap()
	kept := make([]byte, 1<<20)
	after := lookAtHeap()
	if after.allocated < before.allocated+uint64(len(kept)) {
		t.Errorf("%d bytes were allocated, and then, %d later, %d", before.allocated, len(kept), after.allocated)
	}
}
