package tenant

import (
	"math"
	"time"
)

// resource is what a limit counts.
type resource uint8

// The first ones come again with time, the others when they are given back.
const (
	requests resource = iota
	tokens
	socketMessages
	turns
	connections

	refilled  = 3 // of the resources
	resources = 5
)

// amounts are of each resource.
type amounts [resources]int64

// word is how a refusal calls a resource.
func (r resource) word() string {
	return [resources]string{"requests a minute", "tokens a minute", "WebSocket messages a minute", "requests at the same time", "WebSocket connections at the same time"}[r]
}

// param is how the configuration and the admin listener do.
func (r resource) param() string {
	return [resources]string{"requests_per_minute", "tokens_per_minute", "messages_per_minute", "concurrent", "connections"}[r]
}

// label is how a metric does.
func (r resource) label() string {
	return [resources]string{"requests", "tokens", "messages", "concurrent", "connections"}[r]
}

// bucket has so many a minute and fills evenly, up to a minute's worth. Its count
// is exact: there is no rounding in it, unless it is a part of what several nodes
// have. The zero value has nothing and never will.
type bucket struct {
	rate  int64 // a minute; and a minute's worth is the most that it has
	level int64 // units; below zero when more was used than was expected
	at    int64 // microseconds: the time of the level
	parts int64 // of that, this is one
}

// unit is how many units one of anything is: a bucket gets its rate of them in a
// microsecond, and so its rate of things in a minute.
const unit = int64(time.Minute / time.Microsecond)

// maxRate bounds a rate, so that a minute's worth of units is far from the end of
// 64 bits.
const maxRate = 1_000_000_000

func newBucket(rate, now int64) bucket {
	return bucket{rate: rate, level: rate * unit, at: now, parts: 1}
}

// most is how many units it ever has: enough for one thing in any case.
func (b *bucket) most() int64 {
	if b.parts <= 1 {
		return b.rate * unit
	}
	return max(b.rate*unit/b.parts, unit)
}

// fill adds what the time since the last look has brought.
func (b *bucket) fill(now int64) {
	passed := now - b.at
	if passed <= 0 {
		return
	}
	b.at = now
	missing := b.most() - b.level
	parts := max(b.parts, 1)
	switch whole, rest := passed/parts, passed%parts; {
	case missing <= 0:
		b.level = b.most() // it may have become a smaller part
	case whole > missing/b.rate:
		b.level += missing
	default:
		b.level = min(b.level+b.rate*whole+b.rate*rest/parts, b.most())
	}
}

// has tells whether n can be taken.
func (b *bucket) has(n int64) bool { return b.level >= n*unit }

// add gives n, or takes it where n is below zero. It never has more than a
// minute's worth.
func (b *bucket) add(n int64) { b.level = min(b.level+n*unit, b.most()) }

// left is how many can be taken at once.
func (b *bucket) left() int64 { return max(0, b.level/unit) }

// wait is how long it takes until n can be taken; it says nothing of more than
// the bucket ever has.
func (b *bucket) wait(n int64) time.Duration { return b.after(n*unit - b.level) }

// reset is how long it takes until the bucket is full.
func (b *bucket) reset() time.Duration { return b.after(b.most() - b.level) }

// after is how long so many units take to come.
func (b *bucket) after(units int64) time.Duration {
	switch {
	case units <= 0:
		return 0
	case b.rate == 0:
		return math.MaxInt64
	}
	parts := max(b.parts, 1) // taken in two steps: all of it in one may be too large a number
	return time.Duration(units/b.rate*parts+(units%b.rate*parts+b.rate-1)/b.rate) * time.Microsecond
}

// gauge counts what is used at the same time.
type gauge struct{ most, used int64 }

func (g *gauge) has(n int64) bool { return g.used+n <= g.most }
