package tenant

import (
	"fmt"
	"math"
	"time"

	"example.com/parley/messages"
)

// hold is what somebody has of some holders. It implements messages.LimitHold, and
// is used again once it was settled.
type hold struct {
	limiter *Limiter
	holders [scopes]*holder // the first count of them, in the order of their scopes
	count   int
	wanted  amounts
}

// add finds a holder that has limits, and locks it.
func (h *hold) add(name holderName, rules *rules, now int64) {
	limits, named := rules.of(&name)
	if limits == (amounts{}) {
		return
	}
	for {
		found := h.limiter.holders.of(&name, named)
		if found == nil {
			return
		}
		found.mu.Lock()
		if found.gone { // it was swept in this moment
			found.mu.Unlock()
			continue
		}
		h.limiter.sharing.join(found, now)
		found.adopt(limits, now)
		found.fill(now)
		h.holders[h.count] = found
		h.count++
		return
	}
}

// limit tells whether any holder limits a resource.
func (h *hold) limit(r resource) bool {
	for _, each := range h.holders[:h.count] {
		if each.limits[r] > 0 {
			return true
		}
	}
	return false
}

// take takes what is wanted of all holders, or of none where one has not enough,
// and says what is left. It lets go of their locks, and where it fails of h too.
func (h *hold) take(rates *messages.Rates) error {
	refused := h.judge()
	all := h.holders[:h.count]
	for _, each := range all {
		if refused == nil {
			each.holds++
			each.add(-1, &h.wanted)
		}
		each.tighten(rates)
		if each.urgent() {
			each.share.sharing.urge()
		}
		each.mu.Unlock()
	}
	if refused == nil {
		h.limiter.metrics.passed.Inc()
		return nil
	}
	h.free()
	return refused
}

// judge finds the holder that has not enough for the longest. The locks are held.
func (h *hold) judge() error {
	var worst shortage
	for _, each := range h.holders[:h.count] {
		s := each.check(&h.wanted)
		if s.wait > worst.wait {
			worst = s
			worst.scope = each.name.scope
		}
	}
	if worst.wait == 0 {
		return nil
	}
	h.limiter.metrics.refused[worst.scope][worst.resource].Inc()
	return worst.failure()
}

// Settle implements messages.LimitHold.
func (h *hold) Settle(used int) {
	now := h.limiter.clock()
	back := amounts{turns: h.wanted[turns], connections: h.wanted[connections]}
	if h.wanted[tokens] > 0 {
		back[tokens] = h.wanted[tokens] - min(int64(used), maxRate)
	}
	for _, each := range h.holders[:h.count] {
		each.mu.Lock()
		each.holds--
		h.limiter.sharing.join(each, now)
		each.fill(now)
		each.add(1, &back)
		each.mu.Unlock()
	}
	h.free()
}

// free has the hold used again, by somebody else.
func (h *hold) free() {
	h.holders = [scopes]*holder{}
	h.limiter.held.Put(h)
}

// shortage is that a holder has not enough of a resource.
type shortage struct {
	scope    scope
	resource resource
	limit    int64
	wanted   int64
	wait     time.Duration // until it has; never where that is not to be
}

const never = time.Duration(math.MaxInt64)

// failure is what a client reads of it.
func (s *shortage) failure() error {
	limit := fmt.Sprintf("the limit of %s for %s is %d", s.resource.word(), scopeWords[s.scope], s.limit)
	if s.wait == never {
		return &messages.Failure{
			Code: messages.CodeRateLimited, What: fmt.Sprintf("%s, and this request alone takes about %d", limit, s.wanted),
			Do: "make it smaller, or ask the operator for more", NoRetry: true,
		}
	}
	return &messages.Failure{
		Code: messages.CodeRateLimited, What: limit + ", and it is used up", Do: "try again in " + roundUp(s.wait).String(), RetryAfter: s.wait,
	}
}

var scopeWords = [scopes]string{"this tenant", "this key", "this model", "this address"}

// roundUp is a time in whole milliseconds, and not sooner.
func roundUp(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}
