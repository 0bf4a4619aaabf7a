package postgres_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
)

// way leads to a server, until it is cut: then nothing comes through any more, and nobody
// is told.
type way struct {
	listener net.Listener
	to       string
	cut      chan struct{}
	passing  sync.WaitGroup

	mu   sync.Mutex
	open []net.Conn
}

// wayTo returns a way to the server of a database, and the database's URL by it.
func wayTo(t *testing.T, at string) (w *way, by string) {
	t.Helper()
	target, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	w = &way{to: target.Host, cut: make(chan struct{})}
	if w.listener, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	w.passing.Go(w.accept)
	t.Cleanup(func() {
		_ = w.listener.Close()
		w.mu.Lock()
		for _, conn := range w.open {
			_ = conn.Close()
		}
		w.mu.Unlock()
		w.passing.Wait()
	})
	target.Host = w.listener.Addr().String()
	return w, target.String()
}

func (w *way) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.to) //nolint:noctx // to a server on this machine
		if err != nil || w.isCut() {
			_ = near.Close()
			if far != nil {
				_ = far.Close()
			}
			continue
		}
		w.mu.Lock()
		w.open = append(w.open, near, far)
		w.mu.Unlock()
		w.passing.Go(func() { w.pass(near, far) })
		w.passing.Go(func() { w.pass(far, near) })
	}
}

func (w *way) isCut() bool {
	select {
	case <-w.cut:
		return true
	default:
		return false
	}
}

// pass lets bytes through in one direction.
func (w *way) pass(from, to net.Conn) {
	buffer := make([]byte, 4<<10)
	for {
		n, err := from.Read(buffer)
		if w.isCut() {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if err == nil {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			_, _ = from.Close(), to.Close()
			return
		}
	}
}

// A node that was removed while it was cut off comes back once its process has ended,
// which must not wait for what the database never hears.
func TestStoreThatIsCutOffIsClosedSoon(t *testing.T) {
	t.Parallel()
	w, by := wayTo(t, database(t))
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.Connections, cfg.MaxConns = by, 2, 4
	store, err := postgres.Open(t.Context(), cfg, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	close(w.cut)
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	if _, err := store.Tenants(ctx); messages.CodeOf(err) != messages.CodeStoreUnavailable {
		t.Errorf("while it is cut off: %v", err)
	}
	began := time.Now()
	store.Close()
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it took %s", took)
	}
}
