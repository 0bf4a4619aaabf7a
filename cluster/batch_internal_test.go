package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/messages"
)

// Chunks that come apart are batches of their own where somebody reads them, and few
// where nobody does before the last.
func TestChunksShareBatches(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		seen bool
		each time.Duration // from one chunk to the next
		want int           // batches
	}{
		"a stream's, one by one":            {true, time.Millisecond, 101},
		"a stream's, all at once":           {true, 0, 2},
		"a whole reply's, one by one":       {false, time.Millisecond, 2},
		"a whole reply's, one second apart": {false, time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				chunks := make(chan messages.Chunk, 101)
				go func() {
					defer close(chunks)
					for range 100 {
						chunks <- messages.Chunk{Kind: messages.ChunkText, Text: "a"}
						time.Sleep(tt.each)
					}
					chunks <- messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{}}
				}()
				if tt.each == 0 {
					synctest.Wait()
				}
				batches, came := 0, 0
				for chunk := range chunks {
					b := gather(&chunk, chunks, tt.seen)
					batches, came = batches+1, came+len(b.chunks)
				}
				if batches != tt.want || came != 101 {
					t.Errorf("%d chunks in %d batches, want %d", came, batches, tt.want)
				}
			})
		})
	}
}
