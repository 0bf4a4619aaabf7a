package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/messages"
	"example.com/parley/persistence/persistencetest"
	"example.com/parley/persistence/sqlite"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(writerPath); path != "" {
		writeForever(path)
		return
	}
	goleak.VerifyTestMain(m)
}

func open(tb testing.TB, path string) *sqlite.Store {
	tb.Helper()
	store, err := sqlite.Open(tb.Context(), sqlite.Config{Path: path}, prometheus.NewRegistry())
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

func TestStore(t *testing.T) {
	t.Parallel()
	persistencetest.Run(t, func(t *testing.T) persistencetest.Opener {
		path := filepath.Join(t.TempDir(), "parley.db")
		return func() persistencetest.Store { return open(t, path) }
	})
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "parley.db")
	store := open(t, path)
	_, err := sqlite.Open(t.Context(), sqlite.Config{Path: path}, prometheus.NewRegistry())
	if failure := messages.AsFailure(err); failure.Code != messages.CodeStoreUnavailable || !strings.Contains(failure.Do, "--data") {
		t.Errorf("got %v", err)
	}
	store.Close()
	open(t, path).Close()
}

func TestClosedDatabaseIsWholeInOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "parley.db")
	store := open(t, path)
	if err := store.CreateTenant(t.Context(), messages.Tenant{ID: "acme", Name: "Acme"}); err != nil {
		t.Fatal(err)
	}
	store.Close()
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		t.Errorf("%d bytes are still in the log beside it", log.Size())
	}
}

func TestClosedStoreRefuses(t *testing.T) {
	t.Parallel()
	store := open(t, filepath.Join(t.TempDir(), "parley.db"))
	store.Close()
	if err := store.Ready(t.Context()); messages.CodeOf(err) != messages.CodeStoreUnavailable {
		t.Errorf("got %v", err)
	}
}
