package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// storeInterval is how often a database that is not there is looked for. A
// server is ready within it, and the time that opening takes, of its return.
const storeInterval = time.Second

// awaitStore opens the store. A PostgreSQL that does not answer, or not yet, is
// waited for, while the sockets tell whoever comes that the server is not ready.
func awaitStore(ctx context.Context, c StoreConfig, member messages.MemberID, s sockets, metrics prometheus.Registerer, log *slog.Logger) (store, error) {
	opened, err := openStore(ctx, c, member, metrics, log)
	if !isAway(err) {
		return opened, err
	}
	leave := s.sayNotReady()
	defer leave()
	ticker := time.NewTicker(storeInterval)
	defer ticker.Stop()
	for isAway(err) {
		log.Warn("waiting for the store", slog.Any("error", err))
		select {
		case <-ticker.C:
			opened, err = openStore(ctx, c, member, metrics, log)
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the store: %w", ctx.Err())
		}
	}
	return opened, err
}

// isAway tells whether an error of opening the store may pass by itself: nobody
// listens, or the database says that it is starting, stopping or full. A wrong
// password does not pass.
func isAway(err error) bool {
	if said, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		switch said.SQLState() {
		case "57P01", "57P02", "57P03", "53300": // admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections
			return true
		default:
			return false
		}
	}
	_, network := errors.AsType[*net.OpError](err)
	return network
}

// sayNotReady answers every client that the server is starting, until leave is
// called. The listeners stay open.
func (s sockets) sayNotReady() (leave func()) {
	server := &http.Server{Handler: http.HandlerFunc(notReady), ReadHeaderTimeout: storeInterval}
	done := make(chan struct{})
	lent := []*lentListener{{Listener: s.public}, {Listener: s.private}}
	for _, listener := range lent {
		go func() { // ends with leave
			_ = server.Serve(listener) // says that it was closed
			done <- struct{}{}
		}()
	}
	return func() {
		_ = server.Close()
		for range lent {
			<-done
		}
		for _, listener := range lent {
			listener.giveBack()
		}
	}
}

func notReady(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		_, _ = w.Write([]byte("ok\n"))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write(openai.AppendError(nil, openai.ErrorOf(&messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "the server is not ready: the store does not answer",
		Do: "wait; it goes on by itself when that is over", RetryAfter: time.Second,
	})))
}

// lentListener is a listener that somebody else goes on with: closing it ends
// Accept and nothing more.
type lentListener struct{ net.Listener }

// Close implements net.Listener.
func (l *lentListener) Close() error { return l.setDeadline(time.Unix(1, 0)) }

// giveBack lets Accept work again.
func (l *lentListener) giveBack() { _ = l.setDeadline(time.Time{}) }

func (l *lentListener) setDeadline(t time.Time) error {
	tcp, ok := l.Listener.(*net.TCPListener)
	if !ok {
		return errors.ErrUnsupported
	}
	return tcp.SetDeadline(t)
}
