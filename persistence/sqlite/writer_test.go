package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"example.com/parley/messages"
)

func openStore(t *testing.T) *Store {
	t.Helper()
	store, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "parley.db")}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

func insertTenant(n int, name string) func(*transaction) error {
	return func(t *transaction) error {
		_, err := t.Exec("INSERT INTO tenants (id, name, created) VALUES (?, ?, 0)", fmt.Sprint(n), name)
		return err
	}
}

// hold lets the writer wait in a job until the function that it returns is
// called: what comes meanwhile becomes one batch.
func hold(t *testing.T, w *writer) (release func()) {
	t.Helper()
	begun, free := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = w.do(context.Background(), func(*transaction) error {
			close(begun)
			<-free
			return nil
		})
	})
	<-begun
	return func() {
		close(free)
		wait.Wait()
	}
}

// queued waits until n jobs wait for the writer.
func queued(w *writer, n int) {
	for len(w.jobs) < n {
		runtime.Gosched()
	}
}

func TestOneOfManyFailsAlone(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	release := hold(t, store.writer)
	errs := make([]error, 3)
	boom := errors.New("boom")
	jobs := []func(*transaction) error{
		insertTenant(1, "first"),
		func(tx *transaction) error { return errors.Join(insertTenant(2, "second")(tx), boom) },
		func(tx *transaction) error {
			_ = insertTenant(3, "third")(tx)
			panic("boom")
		},
	}
	var wait sync.WaitGroup
	for i, job := range jobs {
		wait.Go(func() { errs[i] = store.writer.do(context.Background(), job) })
	}
	queued(store.writer, len(jobs))
	release()
	wait.Wait()
	if errs[0] != nil || !errors.Is(errs[1], boom) || errs[2] == nil || !strings.Contains(errs[2].Error(), "panic") {
		t.Errorf("got %v", errs)
	}
	tenants, err := store.Tenants(t.Context())
	if err != nil || len(tenants) != 1 || tenants[0].Name != "first" {
		t.Errorf("kept %+v, %v", tenants, err)
	}
	if n := testutil.CollectAndCount(store.metrics.batch); n != 1 {
		t.Errorf("%d histograms of batches", n)
	}
}

func TestJobWhoseCallerLeavesIsNotBegun(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	release := hold(t, store.writer)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- store.writer.do(ctx, insertTenant(1, "never")) }()
	queued(store.writer, 1)
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) { // while the writer is still busy
		t.Errorf("got %v", err)
	}
	release()
	tenants, err := store.Tenants(t.Context())
	if err != nil || len(tenants) != 0 {
		t.Errorf("kept %+v, %v", tenants, err)
	}
}

func TestFullQueueWaitsWithItsCallersDeadline(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	release := hold(t, store.writer)
	ctx, leave := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range maxWaitingWrites + 1 {
		wait.Go(func() { _ = store.writer.do(ctx, func(*transaction) error { return nil }) })
	}
	queued(store.writer, maxWaitingWrites)
	leave()
	wait.Wait()
	release()
	if err := store.Ready(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A full disk is told as such, loses nothing that was acknowledged, and leaves
// reading as it is; room brings writing back.
func TestFullDiskIsToldAndReadingGoesOn(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	limit := func(pages int) {
		t.Helper()
		err := store.writer.do(t.Context(), func(tx *transaction) error {
			_, err := tx.Row(fmt.Sprintf("PRAGMA max_page_count = %d", pages), nil, new(int))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(60)
	const writers, tries = 8, 40
	var mu sync.Mutex
	acknowledged := make(map[string]bool)
	refused := 0
	var wait sync.WaitGroup
	for writer := range writers {
		wait.Go(func() {
			for i := range tries {
				name := fmt.Sprintf("%d-%d-%s", writer, i, strings.Repeat("x", 2000))
				err := store.CreateTenant(t.Context(), messages.Tenant{ID: messages.TenantID(name), Name: name})
				mu.Lock()
				switch {
				case err == nil:
					acknowledged[name] = true
				case messages.CodeOf(err) == messages.CodeStoreFull:
					refused++
				default:
					t.Errorf("got %v", err)
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if len(acknowledged) == 0 || refused == 0 {
		t.Fatalf("%d acknowledged, %d refused", len(acknowledged), refused)
	}
	tenants, err := store.Tenants(t.Context())
	if err != nil || len(tenants) != len(acknowledged) {
		t.Errorf("%d kept, %d acknowledged: %v", len(tenants), len(acknowledged), err)
	}
	for _, tenant := range tenants {
		if !acknowledged[tenant.Name] {
			t.Error("one is kept that was refused")
		}
	}
	limit(1 << 20)
	if err := store.CreateTenant(t.Context(), messages.Tenant{ID: "t", Name: "room again"}); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
