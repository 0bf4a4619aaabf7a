package tenant

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"example.com/parley/messages"
)

// share is what a node has of a holder's limits that hold for all nodes together. A
// bucket then has what is leased, and nothing more until the next exchange; while
// others cannot be reached it fills by itself, as one of as many parts as there were
// nodes. A gauge has the places that are leased. Its holder's lock guards it.
type share struct {
	sharing *sharing
	name    string // of the holder, for the others
	life    string // of what they know of it
	counts  [refilled]account
	leased  [resources - refilled]bool
	listed  bool  // its sharing has it on the list for an exchange
	touched bool  // since the last report
	active  int64 // microseconds: when it was last touched before a report
	told    int64 // microseconds: when the others last heard of it
}

// account is the part of a bucket that the others are told of.
type account struct {
	whole   bucket // what all nodes together have, as far as is known here
	used    int64  // of all time
	told    int64  // of that, what the others know
	granted int64  // units that were leased last, or taken without a lease
}

// newShare returns a share of which nobody knows.
func newShare(s *sharing, name *holderName) *share {
	text := name.scope.String() + "\x00" + string(name.tenant) + "\x00" + name.name + "\x00" + name.source.String()
	sum := sha256.Sum256([]byte(text)) // clients write names of models, of any length, and addresses are nobody's business
	const enough = 16
	return &share{sharing: s, name: hex.EncodeToString(sum[:enough])}
}

func (s *share) isListed() bool { return s != nil && s.listed }

// renew has a bucket be of another rate, on all nodes. What is left stays; a bucket
// that is new begins full.
func (s *share) renew(r int, rate int64) {
	if s == nil {
		return
	}
	a := &s.counts[r]
	left := a.whole.level
	if a.whole.rate == 0 {
		left = rate * unit
	}
	a.whole = bucket{rate: rate, level: min(left, rate*unit), at: a.whole.at, parts: 1}
}

// count takes down what was used, or given back where n is above 0.
func (s *share) count(r resource, n int64) {
	if s == nil {
		return
	}
	a := &s.counts[r]
	a.used -= n
	if !s.sharing.isAlone() { // what is used alone comes from what fills here
		a.whole.add(n)
	}
}

// wake gives a holder something to go by until the others are heard: as one of as
// many parts as there are nodes. What is used of it they are told of, as of all.
func (h *holder) wake(now int64) {
	s := h.share
	nodes := s.sharing.nodes.Load()
	for r := range s.counts {
		if h.limits[r] == 0 {
			continue
		}
		whole := &s.counts[r].whole
		whole.fill(s.sharing.alive(now))
		part := max(whole.level, 0) / nodes
		h.buckets[r] = bucket{rate: h.limits[r], level: part, at: now, parts: 1}
		s.counts[r].granted = part
	}
	s.leased = [resources - refilled]bool{}
	h.divide(nodes)
}

// divide gives the gauges that have no lease the part of one of so many nodes, and
// one place at least.
func (h *holder) divide(nodes int64) {
	for g := range h.gauges {
		if most := h.limits[refilled+g]; most > 0 && !h.share.leased[g] {
			h.gauges[g].most = max(1, most/nodes)
		}
	}
}

// refillShare brings a holder up to date of which there are others.
func (h *holder) refillShare(now int64) {
	s := h.share
	alone, nodes := s.sharing.isAlone(), s.sharing.nodes.Load()
	alive := s.sharing.alive(now)
	for r := range h.buckets {
		if h.limits[r] == 0 {
			continue
		}
		s.counts[r].whole.fill(alive)
		if b := &h.buckets[r]; alone {
			b.parts = nodes
			b.fill(now)
		}
	}
	if alone {
		s.leased = [resources - refilled]bool{}
		h.divide(nodes)
	}
}

const (
	// exchangeEvery is how often nodes tell each other what they used. What a node
	// leases and does not use is lost to the others for so long.
	exchangeEvery = 100 * time.Millisecond
	// aloneAfter is how long nothing is heard until a node goes by itself. It is more
	// than an exchange that is merely slow.
	aloneAfter = 500 * time.Millisecond
	// quietAfter is when a holder that nobody uses gives its lease back.
	quietAfter = time.Second
)

// waitShare is how long it takes until n of a resource can be had. Where all nodes
// together have enough of it, and this one has not, one request passes on credit:
// none would ever that wants more than a part.
func (h *holder) waitShare(r resource, n int64) time.Duration {
	b, whole := &h.buckets[r], &h.share.counts[r].whole
	switch {
	case b.has(n):
		return 0
	case h.share.sharing.isAlone() && n*unit > b.most():
		return gaugeWait // until the others are back
	case h.share.sharing.isAlone():
		return b.wait(n)
	case !whole.has(n):
		return whole.wait(n)
	case b.level >= 0:
		return 0
	default:
		return exchangeEvery
	}
}

// urgent tells whether a holder is short of what the others have plenty of: then it
// does not wait for its turn.
func (h *holder) urgent() bool {
	if h.share == nil || h.share.sharing.isAlone() {
		return false
	}
	const plenty = 4 * int64(exchangeEvery/time.Microsecond) // more than what comes and goes in a turn
	for r := range h.buckets {
		if h.limits[r] == 0 {
			continue
		}
		if a := &h.share.counts[r]; h.buckets[r].level <= a.granted/2 && a.whole.level > plenty*h.limits[r] {
			return true
		}
	}
	return false
}

// shown is the bucket that a client is told of.
func (h *holder) shown(r resource) *bucket {
	if h.share == nil || h.share.sharing.isAlone() && h.share.listed {
		return &h.buckets[r]
	}
	return &h.share.counts[r].whole
}

// report is what the others are to know. After a time alone what was used beyond a
// part is forgiven: it came from what filled here.
func (h *holder) report(now int64, afterAlone bool) messages.LimitReport {
	s := h.share
	m := messages.LimitReport{Holder: s.name, Life: s.life}
	for r := range s.counts {
		a := &s.counts[r]
		if afterAlone {
			most := (a.granted+h.limits[r]*unit/s.sharing.nodes.Load())/unit + 1
			a.used = min(a.used, a.told+most)
		}
		m.Rates[r], m.Used[r], m.Told[r] = h.limits[r], a.used, a.told
		m.Known[r] = float64(a.whole.level) / float64(unit)
	}
	for g := range h.gauges {
		m.Most[g], m.Held[g] = h.limits[refilled+g], h.gauges[g].used
	}
	if s.touched {
		s.active, s.touched = now, false
	}
	m.Leaves = now-s.active > quietAfter.Microseconds() && m.Held == [2]int64{}
	return m
}

// due tells whether the others are to hear of it now.
func (h *holder) due(now int64) bool {
	return h.share.touched || now-h.share.told >= quietAfter.Microseconds()
}

// receive goes by what the others said to a report. What was used since then was of
// the lease before, and is of this one.
func (h *holder) receive(report *messages.LimitReport, got *messages.LimitShare, now int64) {
	s := h.share
	s.life, s.told = got.Life, now
	alive := s.sharing.alive(now)
	for r := range s.counts {
		a := &s.counts[r]
		a.told = report.Used[r]
		if h.limits[r] == 0 || h.limits[r] != report.Rates[r] {
			continue // it was changed meanwhile
		}
		since := (a.used - report.Used[r]) * unit
		a.granted = unitsOf(got.Leased[r])
		h.buckets[r] = bucket{rate: h.limits[r], level: a.granted - since, at: now, parts: 1}
		a.whole = bucket{rate: h.limits[r], level: unitsOf(got.Left[r]) - since, at: alive, parts: 1}
	}
	for g := range h.gauges {
		if limit := h.limits[refilled+g]; limit > 0 && limit == report.Most[g] {
			h.gauges[g].most, s.leased[g] = got.Most[g], true
		}
	}
}

// unitsOf is as many as fit: what others say is not always sane.
func unitsOf(things float64) int64 {
	const most = 2 * maxRate
	return int64(max(-most, min(things, most)) * float64(unit))
}
