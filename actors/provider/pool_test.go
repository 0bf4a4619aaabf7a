package provider

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a pool over connections that lead nowhere.
func pipes(size int) (p *pool, dialled *int) {
	dialled = new(int)
	return &pool{
		patience: time.Second, idleAfter: time.Minute, places: make(chan struct{}, size),
		dial: func(context.Context) (*connection, error) {
			*dialled++
			here, _ := net.Pipe()
			c := new(connection)
			c.raw.Open(here, nil)
			c.Conn = &c.raw
			return c, nil
		},
	}, dialled
}

func (p *pool) mustGet(t *testing.T) *connection {
	t.Helper()
	c, err := p.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func isOpen(c *connection) bool { return c.SetDeadline(time.Now().Add(time.Hour)) == nil }

func TestPoolTakesTheConnectionThatWasUsedLast(t *testing.T) {
	t.Parallel()
	p, dialled := pipes(2)
	defer p.close()
	a, b := p.mustGet(t), p.mustGet(t)
	p.put(a)
	p.put(b)
	if got := p.mustGet(t); got != b || !got.used || *dialled != 2 {
		t.Errorf("it took another, after %d dials", *dialled)
	}
}

func TestPoolClosesWhatIsIdleForTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := pipes(3)
		defer p.close()
		a, b, c := p.mustGet(t), p.mustGet(t), p.mustGet(t)
		p.put(a)
		time.Sleep(40 * time.Second)
		p.put(b)
		p.put(c)
		time.Sleep(21 * time.Second)
		if isOpen(a) || !isOpen(b) || !isOpen(c) {
			t.Error("after a minute the one that was idle for so long should be closed")
		}
		if got := p.mustGet(t); got != c {
			t.Error("it took another than the last")
		}
		time.Sleep(time.Minute)
		if idle, busy := p.counts(); isOpen(b) || idle != 0 || busy != 1 {
			t.Errorf("later %d are idle and %d busy", idle, busy)
		}
		p.put(c)
		time.Sleep(2 * time.Minute)
		if isOpen(c) {
			t.Error("the last one is open for ever")
		}
	})
}

func TestFreshConnectionWasNeverUsed(t *testing.T) {
	t.Parallel()
	p, dialled := pipes(3)
	defer p.close()
	a, b := p.mustGet(t), p.mustGet(t)
	p.put(a)
	p.put(b)
	c, err := p.getFresh(t.Context())
	if err != nil || c.used || *dialled != 3 || isOpen(a) || isOpen(b) {
		t.Errorf("got %+v after %d dials (%v)", c, *dialled, err)
	}
	p.drop(c)
}

func TestPoolThatIsFullIsWaitedForAndNoLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := pipes(1)
		defer p.close()
		c := p.mustGet(t)
		before := time.Now()
		_, err := p.get(t.Context())
		if _, full := errors.AsType[errBusy](err); !full || time.Since(before) != time.Second {
			t.Errorf("after %s: %v", time.Since(before), err)
		}
		time.AfterFunc(500*time.Millisecond, func() { p.put(c) })
		if got := p.mustGet(t); got != c {
			t.Error("it did not wait for the one that came free")
		}
		p.drop(c)
	})
}

func TestPlaceOfADialThatFailsIsGivenBack(t *testing.T) {
	t.Parallel()
	p, _ := pipes(1)
	dial := p.dial
	p.dial = func(context.Context) (*connection, error) { return nil, errors.New("refused") }
	for range 3 {
		if _, err := p.get(t.Context()); err == nil {
			t.Fatal("it connected")
		}
	}
	p.dial = dial
	p.drop(p.mustGet(t))
}

func TestClosedPoolKeepsNothing(t *testing.T) {
	t.Parallel()
	p, _ := pipes(2)
	a, b := p.mustGet(t), p.mustGet(t)
	p.put(a)
	p.close()
	p.put(b)
	if idle, busy := p.counts(); idle != 0 || busy != 0 || isOpen(a) || isOpen(b) {
		t.Errorf("%d idle, %d busy", idle, busy)
	}
}
