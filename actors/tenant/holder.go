package tenant

import (
	"net/netip"
	"sync"
	"time"

	"example.com/parley/messages"
)

// holderName is whose use is counted: a tenant's, a key's, that of a model by a
// tenant, or an address's.
type holderName struct {
	scope  scope
	tenant messages.TenantID // empty for an address
	name   string            // of the key or the model
	source netip.Prefix      // the address
}

// scope orders the holders of one request, which are locked in this order.
type scope uint8

const (
	tenantScope scope = iota
	keyScope
	modelScope
	addressScope
	scopes = 4
)

var scopeNames = [scopes]messages.LimitScope{messages.LimitTenant, messages.LimitKey, messages.LimitModel, messages.LimitAddress}

// String is the scope's name, on the wire and in metrics.
func (s scope) String() string { return string(scopeNames[s]) }

// scopeOf is the scope of that name.
func scopeOf(name messages.LimitScope) (s scope, known bool) {
	for i, other := range scopeNames {
		if other == name {
			return scope(i), true // #nosec G115 -- one of four
		}
	}
	return 0, false
}

// holder counts what one of them uses. Its lock is held by whoever looks at it.
type holder struct {
	mu      sync.Mutex
	name    holderName
	limits  amounts // 0 for none
	buckets [refilled]bucket
	gauges  [resources - refilled]gauge
	holds   int    // that are to come back
	seen    int64  // microseconds: when it was used last
	gone    bool   // it is out of the table
	share   *share // of what all nodes have; nil where this one is alone
}

// adopt takes over limits. A bucket whose rate has changed begins full; what is
// used at the same time goes on being counted.
func (h *holder) adopt(limits amounts, now int64) {
	if h.limits == limits {
		return
	}
	for r := range limits {
		if h.limits[r] == limits[r] {
			continue
		}
		if r < refilled {
			h.buckets[r] = newBucket(limits[r], now)
			h.share.renew(r, limits[r])
		} else {
			h.gauges[r-refilled].most = limits[r]
		}
	}
	h.limits = limits
	if h.share != nil {
		h.wake(now)
	}
}

// fill brings the buckets up to date.
func (h *holder) fill(now int64) {
	h.seen = now
	h.refill(now)
}

func (h *holder) refill(now int64) {
	if h.share != nil {
		h.refillShare(now)
		return
	}
	for r := range h.buckets {
		if h.limits[r] > 0 {
			h.buckets[r].fill(now)
		}
	}
}

// check finds the resource of which there is not enough for the longest; the wait
// is 0 where there is enough of all.
func (h *holder) check(wanted *amounts) (worst shortage) {
	for r, n := range wanted {
		if n == 0 || h.limits[r] == 0 {
			continue
		}
		if wait := h.wait(resource(r), n); wait > worst.wait { // #nosec G115 -- one of five
			worst = shortage{resource: resource(r), limit: h.limits[r], wanted: n, wait: wait} // #nosec G115 -- likewise
		}
	}
	return worst
}

// wait is how long it takes until n of a resource can be had.
func (h *holder) wait(r resource, n int64) time.Duration {
	switch {
	case n > h.limits[r]:
		return never
	case h.share != nil && r < refilled:
		return h.waitShare(r, n)
	case r < refilled:
		return h.buckets[r].wait(n)
	case !h.gauges[r-refilled].has(n):
		return gaugeWait
	default:
		return 0
	}
}

// gaugeWait is what is said of places that come free when others end.
const gaugeWait = time.Second

// add gives amounts with the sign 1, and takes them with -1.
func (h *holder) add(sign int64, given *amounts) {
	for r, n := range given {
		switch {
		case n == 0:
		case r >= refilled:
			h.gauges[r-refilled].used -= sign * n // also without a limit: there may be one before it is given back
		case h.limits[r] > 0:
			h.buckets[r].add(sign * n)
			h.share.count(resource(r), sign*n) // #nosec G115 -- one of three
		}
	}
}

// tighten puts the holder's rates in the place of those that leave more.
func (h *holder) tighten(rates *messages.Rates) {
	tighter(&rates.Requests, h.shown(requests), h.limits[requests])
	tighter(&rates.Tokens, h.shown(tokens), h.limits[tokens])
}

func tighter(rate *messages.Rate, b *bucket, limit int64) {
	if limit == 0 || rate.Limit > 0 && rate.Remaining <= b.left() {
		return
	}
	*rate = messages.Rate{Limit: limit, Remaining: b.left(), Reset: b.reset()}
}

// idle tells whether the holder is as one that was never there.
func (h *holder) idle(now int64) bool {
	if h.holds > 0 || h.share.isListed() {
		return false
	}
	h.refill(now)
	for r := range resource(refilled) {
		if h.limits[r] > 0 && h.shown(r).level < h.limits[r]*unit {
			return false
		}
	}
	return true
}
