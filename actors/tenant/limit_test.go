package tenant

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// plainBucket is a bucket in fractions, with no care for what that costs.
type plainBucket struct {
	rate, level *big.Rat // things
	at          int64    // microseconds
}

func newPlainBucket(rate int64) *plainBucket {
	return &plainBucket{rate: new(big.Rat).SetInt64(rate), level: new(big.Rat).SetInt64(rate)}
}

func (p *plainBucket) fill(now int64) {
	came := new(big.Rat).Mul(p.rate, big.NewRat(now-p.at, time.Minute.Microseconds()))
	p.at = now
	p.add(came)
}

func (p *plainBucket) add(n *big.Rat) {
	if p.level.Add(p.level, n); p.level.Cmp(p.rate) > 0 {
		p.level.Set(p.rate)
	}
}

func (p *plainBucket) has(n int64) bool { return p.level.Cmp(new(big.Rat).SetInt64(n)) >= 0 }

func TestBucketIsAsAPlainModelSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.OneOf(rapid.Int64Range(1, 100), rapid.Int64Range(1, maxRate)).Draw(t, "rate")
		bucket, plain := newBucket(rate, 0), newPlainBucket(rate)
		amount := rapid.OneOf(rapid.Int64Range(1, 3), rapid.Int64Range(1, rate))
		pause := rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, time.Hour.Microseconds()), rapid.Int64Range(0, 365*24*time.Hour.Microseconds()))
		now := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += pause.Draw(t, "pause")
			bucket.fill(now)
			plain.fill(now)
			n := amount.Draw(t, "amount")
			if rapid.Bool().Draw(t, "take") {
				if bucket.has(n) != plain.has(n) {
					t.Fatalf("has(%d) is %v, and there is %s", n, bucket.has(n), plain.level.FloatString(6))
				}
				if n <= rate {
					checkWait(t, bucket, n)
				}
				if !bucket.has(n) {
					continue
				}
				n = -n
			} else if rapid.Bool().Draw(t, "debt") {
				n = -n // more was used than was expected
			}
			bucket.add(n)
			plain.add(new(big.Rat).SetInt64(n))
			if exact := new(big.Rat).SetFrac64(bucket.level, unit); exact.Cmp(plain.level) != 0 {
				t.Fatalf("there is %s, and should be %s", exact.FloatString(9), plain.level.FloatString(9))
			}
		}
	})
}

// checkWait looks at the bucket at the end of the wait, and a moment before it.
func checkWait(t *rapid.T, b bucket, n int64) {
	wait := b.wait(n).Microseconds()
	if b.has(n) != (wait == 0) {
		t.Fatalf("has(%d) is %v, the wait %dus", n, b.has(n), wait)
	}
	if wait == 0 {
		return
	}
	before := b
	before.fill(b.at + wait - 1)
	if before.has(n) {
		t.Fatalf("%d could be had before the wait of %dus is over", n, wait)
	}
	if b.fill(b.at + wait); !b.has(n) {
		t.Fatalf("%d cannot be had after the wait of %dus", n, wait)
	}
}

func TestBucketIsFullAfterItsReset(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(1, maxRate).Draw(t, "rate")
		b := newBucket(rate, 0)
		b.add(-rapid.Int64Range(0, 2*rate).Draw(t, "used"))
		reset := b.reset().Microseconds()
		early := b
		if early.fill(reset - 1); reset > 0 && early.left() == rate {
			t.Fatalf("it is full before its reset of %dus", reset)
		}
		if b.fill(reset); b.left() != rate || b.reset() != 0 {
			t.Fatalf("after its reset of %dus it has %d of %d", reset, b.left(), rate)
		}
	})
}
