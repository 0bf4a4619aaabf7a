package http

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestUnsettledKeysAreTriedUntilTheirDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		u := newUnsettled(slog.New(slog.NewTextHandler(&log, nil)))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			u.run(ctx)
		}()
		back, settled := time.Now().Add(5*time.Second), 0
		add := func(what string, until time.Duration, do func(context.Context) error) {
			u.add(settlement{what: what, until: time.Now().Add(until), do: do}, errors.New("away"))
		}
		add("never", 20*time.Second, func(context.Context) error { return errors.New("refused") })
		add("hangs", 3*time.Second, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		for range 3 {
			add("later", time.Minute, func(context.Context) error {
				if time.Now().Before(back) {
					return errors.New("away")
				}
				settled++
				return nil
			})
		}
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if settled != 3 {
			t.Errorf("%d settled of 3 that could be", settled)
		}
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if got := log.String(); !strings.Contains(got, "could not never") || !strings.Contains(got, "could not hangs") || strings.Contains(got, "later") {
			t.Errorf("given up:\n%s", got)
		}
		add("at the end", time.Minute, func(context.Context) error { settled++; return nil })
		stop()
		if <-ended; settled != 4 {
			t.Error("the end does not settle what waits")
		}
	})
}

func TestUnsettledKeysAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		u := newUnsettled(slog.New(slog.NewTextHandler(&log, nil)))
		ctx, stop := context.WithCancel(t.Context())
		go u.run(ctx)
		away := func(context.Context) error { return errors.New("away") }
		for range 10 {
			u.add(settlement{what: "keep", bytes: maxUnsettledBytes / 8, until: time.Now().Add(time.Hour), do: away}, nil)
			synctest.Wait()
		}
		if got := strings.Count(log.String(), "could not keep"); got != 2 {
			t.Errorf("%d of 10 were given up, with room for 8", got)
		}
		stop()
		synctest.Wait()
	})
}
