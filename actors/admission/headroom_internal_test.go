package admission

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"example.com/parley/messages"
)

// Who was here is forgotten when all have left, and no place is kept for anybody,
// however they came and went while shares moved.
func TestHeadroomForgets(t *testing.T) {
	t.Parallel()
	const limit, callers, visits = 64, 8, 2000
	var h headroom
	var coming sync.WaitGroup
	for caller := range callers {
		coming.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(caller))) // #nosec G115 G404 -- a seed
			var in []*presence
			for range visits {
				if len(in) > 0 && random.IntN(2) == 0 {
					in[0].leave()
					in = in[1:]
					continue
				}
				p := h.of(messages.TenantID(strconv.Itoa(random.IntN(4))), 1+random.IntN(2), func() {})
				h.most(p, limit)
				h.entered(p, messages.Priority(random.IntN(messages.Priorities)))
				in = append(in, p)
			}
			for _, p := range in {
				p.leave()
			}
		})
	}
	over := make(chan struct{})
	go func() {
		coming.Wait()
		close(over)
	}()
	for moving := true; moving; {
		h.move(limit)
		select {
		case <-over:
			moving = false
		default:
		}
	}
	last := h.of("0", 1, func() {})
	h.entered(last, messages.PriorityStandard)
	last.leave()
	if h.move(limit); h.kept.Load() == 0 {
		t.Error("no place is kept for who has just left")
	}
	for range 100 {
		h.move(limit)
	}
	h.tenants.Range(func(tenant, _ any) bool {
		t.Errorf("%s is remembered", tenant)
		return true
	})
	if kept, weights := h.kept.Load(), h.weights.Load(); kept != 0 || weights != 0 {
		t.Errorf("%d places are kept, and the weights are %d", kept, weights)
	}
}
