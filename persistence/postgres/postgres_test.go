package postgres_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/messages"
	"example.com/parley/persistence/persistencetest"
	"example.com/parley/persistence/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// admin connects as the superuser whose URL `make test` provides.
func admin(t *testing.T) *pgx.Conn {
	t.Helper()
	server := os.Getenv("PARLEY_TEST_POSTGRES_URL")
	if server == "" {
		t.Fatal("PARLEY_TEST_POSTGRES_URL is not set: `make test` starts a PostgreSQL and sets it")
	}
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// database makes an empty one with a role of its own, which owns it and is held
// by row-level security, and returns its URL.
func database(t *testing.T) string {
	t.Helper()
	var random [8]byte
	_, _ = rand.Read(random[:])
	name := "parley_" + hex.EncodeToString(random[:])
	conn := admin(t)
	for _, statement := range []string{
		"CREATE ROLE " + name + " LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '" + name + "'",
		"CREATE DATABASE " + name + " OWNER " + name,
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		_, _ = conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		_, _ = conn.Exec(context.Background(), "DROP ROLE IF EXISTS "+name)
	})
	at, err := url.Parse(os.Getenv("PARLEY_TEST_POSTGRES_URL"))
	if err != nil {
		t.Fatal(err)
	}
	at.User, at.Path = url.UserPassword(name, name), "/"+name
	return at.String()
}

func open(t *testing.T, at string) *postgres.Store {
	t.Helper()
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.Connections, cfg.MaxConns = at, 1, 8
	store, err := postgres.Open(t.Context(), cfg, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStore(t *testing.T) {
	t.Parallel()
	persistencetest.Run(t, func(t *testing.T) persistencetest.Opener {
		at := database(t)
		return func() persistencetest.Store { return open(t, at) }
	})
}

func TestRoleAboveRowLevelSecurityIsRefused(t *testing.T) {
	t.Parallel()
	_ = admin(t)
	cfg := postgres.DefaultConfig()
	cfg.URL = os.Getenv("PARLEY_TEST_POSTGRES_URL")
	_, err := postgres.Open(t.Context(), cfg, prometheus.NewRegistry())
	if failure := messages.AsFailure(err); failure.Code != messages.CodeInvalidRequest || !strings.Contains(failure.Do, "NOBYPASSRLS") {
		t.Errorf("got %v", err)
	}
}

// Whatever a statement forgets, the server shows a connection nothing until it
// says for whom it asks, and then that tenant's rows alone.
func TestRowsAreHiddenFromWhoeverDoesNotSayForWhom(t *testing.T) {
	t.Parallel()
	at := database(t)
	store := open(t, at)
	defer store.Close()
	for i, tenant := range []messages.TenantID{"acme", "rival"} {
		id := messages.TurnID{byte(i + 1)}
		ref := messages.ConversationRef{Tenant: tenant, Conversation: messages.NewConversationID(id)}
		items := []messages.Item{messages.TextMessage(messages.RoleUser, "secret")}
		if _, err := store.CreateConversation(t.Context(), messages.Conversation{Ref: ref, Created: time.Now()}, id, items); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.CreateKey(t.Context(), messages.APIKey{ID: "k", Role: messages.KeyAdmin, Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // only read
	count := func(setting, value, table string) (n int) {
		t.Helper()
		err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
			if setting != "" {
				if _, err := tx.Exec(t.Context(), "SELECT set_config($1, $2, true)", setting, value); err != nil {
					return err
				}
			}
			return tx.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, table := range []string{"conversations", "items"} {
		for setting, want := range map[[2]string]int{
			{"", ""}: 0, {"parley.tenant", "acme"}: 1, {"parley.tenant", ""}: 0, {"parley.tenant", "nobody"}: 0, {"parley.scope", "operator"}: 2,
		} {
			if got := count(setting[0], setting[1], table); got != want {
				t.Errorf("%s with %v: %d rows, want %d", table, setting, got, want)
			}
		}
	}
	if got := count("", "", "keys"); got != 0 {
		t.Errorf("admin keys are seen by whoever does not say who he is: %d", got)
	}
	err = pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SELECT set_config('parley.tenant', 'acme', true)"); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), "UPDATE conversations SET tenant = 'rival'")
		return err
	})
	if err == nil {
		t.Error("a row was given to another tenant")
	}
}

// Connections that are cut at any moment lose nothing that was acknowledged, and
// what was not known to be done can be done again.
func TestCutConnectionsLoseNothing(t *testing.T) {
	t.Parallel()
	const writers, appends, cuts = 4, 20, 5
	at := database(t)
	store := open(t, at)
	defer store.Close()
	id := messages.TurnID{1}
	ref := messages.ConversationRef{Tenant: "acme", Conversation: messages.NewConversationID(id)}
	if _, err := store.CreateConversation(t.Context(), messages.Conversation{Ref: ref, Created: time.Now()}, id, nil); err != nil {
		t.Fatal(err)
	}
	activation, err := store.Activate(t.Context(), messages.Activate{Ref: ref, MaxItems: 1, MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	at2, _ := url.Parse(at)
	name := at2.User.Username()
	conn := admin(t)
	done := make(chan struct{})
	var nemesis sync.WaitGroup
	nemesis.Go(func() {
		for range cuts {
			_, _ = conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", name)
			select {
			case <-done:
				return
			case <-time.After(30 * time.Millisecond):
			}
		}
	})
	var wait sync.WaitGroup
	for writer := range writers {
		wait.Go(func() {
			for n := range appends {
				appendOnce(t, store, ref, activation.Epoch, messages.TurnID{2, byte(writer), byte(n)})
			}
		})
	}
	wait.Wait()
	close(done)
	nemesis.Wait()
	items, _, err := store.Items(t.Context(), ref, messages.Page{Limit: 100, Asc: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != writers*appends {
		t.Errorf("%d items, want %d", len(items), writers*appends)
	}
	for i := range items {
		if items[i].Seq != messages.Seq(i+1) {
			t.Fatalf("item %d is in place %d", i+1, items[i].Seq)
		}
	}
}

// appendOnce tries until it is acknowledged, under one name.
func appendOnce(t *testing.T, store *postgres.Store, ref messages.ConversationRef, epoch messages.Epoch, request messages.TurnID) {
	t.Helper()
	for range 50 {
		_, err := store.AppendItems(t.Context(), messages.ItemsAppend{
			Ref: ref, Epoch: epoch, Request: request, Items: []messages.Item{messages.TextMessage(messages.RoleUser, "x")},
		})
		if err == nil {
			return
		}
		if messages.CodeOf(err) != messages.CodeStoreUnavailable {
			t.Error(err)
			return
		}
	}
	t.Error("never acknowledged")
}
