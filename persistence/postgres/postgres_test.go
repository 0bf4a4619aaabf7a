package postgres_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/messages"
	"example.com/parley/persistence/persistencetest"
	"example.com/parley/persistence/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// admin connects as the superuser whose URL `make test` provides.
func admin(t testing.TB) *pgx.Conn {
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
func database(t testing.TB) string {
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

func open(t testing.TB, at string) *postgres.Store {
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

// populate gives two tenants a row in every table.
func populate(t *testing.T, store *postgres.Store) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, tenant := range []messages.TenantID{"acme", "rival"} {
		id := messages.TurnID{byte(i + 1)}
		ref := messages.ConversationRef{Tenant: tenant, Conversation: messages.NewConversationID(id)}
		must(store.CreateTenant(t.Context(), messages.Tenant{ID: tenant, Name: string(tenant), Created: time.Now()}))
		must(store.CreateKey(t.Context(), messages.APIKey{ID: messages.KeyID(tenant), Tenant: tenant, Created: time.Now()}))
		item := messages.TextMessage(messages.RoleUser, "secret")
		item.ID = messages.NewItemID(item.Kind, id, 0)
		must(store.BeginTurn(t.Context(), messages.TurnBegin{
			Create: true, Epoch: 1, Input: []messages.Item{item},
			Record: messages.TurnRecord{ID: id, Ref: ref, Status: messages.TurnRunning, FirstSeq: 1, Inputs: 1, Created: time.Now()},
		}))
		must(store.AppendUsage(t.Context(), []messages.UsageRow{{Tenant: tenant, Request: id, Attempt: 1}}))
		must(store.Deny(t.Context(), messages.CacheDrop{CacheName: messages.CacheName{Tenant: tenant, Entry: 1}, Asked: 2}))
		must(store.CreateErasure(t.Context(), messages.Erasure{ID: "erasure_" + string(tenant), Tenant: tenant, Requested: time.Now()}))
		must(store.SetRetention(t.Context(), messages.Retention{Tenant: tenant}))
		must(store.SetLimit(t.Context(), messages.Limit{LimitHolder: messages.LimitHolder{Tenant: tenant, Scope: messages.LimitTenant}, Weight: 1}))
		_, err := store.ClaimKey(t.Context(), messages.Claim{Tenant: tenant, Key: "k", Request: id, Deadline: time.Now()})
		must(err)
	}
}

// as runs f on a bare connection, which says for whom it asks as setting has it.
func as(t *testing.T, conn *pgx.Conn, setting [2]string, f func(pgx.Tx) error) error {
	t.Helper()
	return pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if setting[0] != "" {
			if _, err := tx.Exec(t.Context(), "SELECT set_config($1, $2, true)", setting[0], setting[1]); err != nil {
				return err
			}
		}
		return f(tx)
	})
}

// Whatever a statement forgets, the server shows a connection nothing until it
// says for whom it asks, and then that tenant's rows alone.
func TestRowsAreHiddenFromWhoeverDoesNotSayForWhom(t *testing.T) {
	t.Parallel()
	at := database(t)
	store := open(t, at)
	defer store.Close()
	populate(t, store)
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // only read
	for _, table := range []string{"tenants", "keys", "conversations", "turns", "items", "usage_rows", "idempotency_keys", "cache_denials", "erasures", "retentions", "limits"} {
		for setting, want := range map[[2]string]int{
			{"", ""}: 0, {"parley.tenant", "acme"}: 1, {"parley.tenant", ""}: 0, {"parley.tenant", "nobody"}: 0, {"parley.scope", "operator"}: 2,
		} {
			var got int
			err := as(t, conn, setting, func(tx pgx.Tx) error { return tx.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&got) })
			if err != nil || got != want {
				t.Errorf("%s with %v: %d rows, want %d: %v", table, setting, got, want, err)
			}
		}
		if table == "tenants" {
			continue
		}
		for statement, want := range map[string]string{
			"UPDATE " + table + " SET tenant = 'rival'":                       "42501", // a row is given to nobody else
			"DELETE FROM " + table + " WHERE tenant = 'rival'":                "",      // and finds none to take
			"UPDATE " + table + " SET tenant = 'acme' WHERE tenant = 'rival'": "",
		} {
			var changed int64
			err := as(t, conn, [2]string{"parley.tenant", "acme"}, func(tx pgx.Tx) error {
				tag, err := tx.Exec(t.Context(), statement)
				changed = tag.RowsAffected()
				return err
			})
			var refused *pgconn.PgError
			if code := ""; errors.As(err, &refused) {
				if code = refused.Code; code != want {
					t.Errorf("%s: %v", statement, err)
				}
			} else if want != "" || changed != 0 {
				t.Errorf("%s changed %d rows", statement, changed)
			}
		}
	}
	// A new table that somebody adds is held to it, too.
	var open []string
	rows, err := conn.Query(t.Context(), `SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
		AND NOT (relrowsecurity AND relforcerowsecurity) AND relname NOT IN ('keys_version', 'budgets_version', 'goose_db_version')`)
	if err == nil {
		open, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil || len(open) > 0 {
		t.Errorf("tables without forced row-level security: %v, %v", open, err)
	}
}

// Not even the table's owner, who the server is, may change what was written down.
func TestAuditLogIsOnlyAddedTo(t *testing.T) {
	t.Parallel()
	at := database(t)
	store := open(t, at)
	defer store.Close()
	populate(t, store)
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // it changes nothing
	above := asSuperuser(t, at)
	for name, conn := range map[string]*pgx.Conn{"the server's role": conn, "a superuser": above} {
		for _, statement := range []string{"UPDATE audit_log SET actor = ''", "DELETE FROM audit_log", "TRUNCATE audit_log"} {
			err := as(t, conn, [2]string{"parley.scope", "operator"}, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), statement)
				return err
			})
			var refused *pgconn.PgError
			if !errors.As(err, &refused) || refused.Code != "42501" {
				t.Errorf("%s by %s: %v", statement, name, err)
			}
		}
	}
	var all int
	if err := above.QueryRow(t.Context(), "SELECT count(*) FROM audit_log").Scan(&all); err != nil || all == 0 {
		t.Fatalf("%d entries: %v", all, err)
	}
	for setting, want := range map[[2]string]int{{"parley.scope", "operator"}: all, {"parley.tenant", "acme"}: 0, {"", ""}: 0} {
		var got int
		err := as(t, conn, setting, func(tx pgx.Tx) error { return tx.QueryRow(t.Context(), "SELECT count(*) FROM audit_log").Scan(&got) })
		if err != nil || got != want {
			t.Errorf("with %v: %d entries, want %d: %v", setting, got, want, err)
		}
	}
}

// asSuperuser connects to a test's database as the superuser.
func asSuperuser(t *testing.T, at string) *pgx.Conn {
	t.Helper()
	own, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(os.Getenv("PARLEY_TEST_POSTGRES_URL"))
	if err != nil {
		t.Fatal(err)
	}
	server.Path = own.Path
	conn, err := pgx.Connect(t.Context(), server.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// What one transaction says for whom it asks must not stay with the connection
// that the next one gets.
func TestConnectionsForgetForWhomTheyAsked(t *testing.T) {
	t.Parallel()
	at := database(t)
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.Connections, cfg.MaxConns = at, 1, 1
	store, err := postgres.Open(t.Context(), cfg, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	populate(t, store)
	for _, ask := range []func(){
		func() { _, _ = store.Tenants(t.Context()) },
		func() { _, _, _ = store.Conversations(t.Context(), "acme", messages.Page{Limit: 1}) },
		func() { _ = store.KeepReply(t.Context(), "acme", "k", messages.KeptReply{Status: 200}) },
		func() { // fails, and is rolled back
			_ = store.DropConversation(t.Context(), messages.ConversationRef{Tenant: "acme", Conversation: "conv_none"}, 1)
		},
	} {
		ask()
		seen, err := store.RowsSeenUnasked(t.Context())
		if err != nil || seen != 0 {
			t.Errorf("%d rows are seen by whoever says nothing: %v", seen, err)
		}
	}
}

// Commits wait for the disk, and for each other where the role may say so.
func TestCommitsAreDurableAndGrouped(t *testing.T) {
	t.Parallel()
	at := database(t)
	setting := func(name string) string {
		t.Helper()
		store := open(t, at)
		defer store.Close()
		value, err := store.Setting(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	if got := setting("synchronous_commit"); got != "on" {
		t.Errorf("synchronous_commit is %s", got)
	}
	if got := setting("commit_delay"); got != "0" {
		t.Errorf("commit_delay is %s, and the role may not set it", got)
	}
	conn := admin(t)
	var version int
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		t.Fatal(err)
	}
	if version < 150_000 {
		return // before it only a superuser may
	}
	if _, err := conn.Exec(t.Context(), "GRANT SET ON PARAMETER commit_delay TO "+roleOf(t, at)); err != nil {
		t.Fatal(err)
	}
	if got := setting("commit_delay"); got != "200" {
		t.Errorf("commit_delay is %s", got)
	}
	if _, err := conn.Exec(t.Context(), "REVOKE SET ON PARAMETER commit_delay FROM "+roleOf(t, at)); err != nil {
		t.Fatal(err)
	}
}

// A server that turned into a standby refuses to write. Its connections are
// given up, and those made later find the one that writes.
func TestReadOnlyServerIsLeft(t *testing.T) {
	t.Parallel()
	at := database(t)
	store := open(t, at)
	defer store.Close()
	name := roleOf(t, at)
	conn := admin(t)
	readOnly := func(on string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), "ALTER ROLE "+name+" SET default_transaction_read_only = "+on); err != nil {
			t.Fatal(err)
		}
	}
	readOnly("on")
	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", name); err != nil {
		t.Fatal(err)
	}
	create := func() error {
		return store.CreateTenant(t.Context(), messages.Tenant{ID: "t", Name: "t", Created: time.Now()})
	}
	var refused *pgconn.PgError
	for range 20 { // the first tries meet connections that were cut
		if err := create(); errors.As(err, &refused) && refused.Code == "25006" {
			break
		}
	}
	if refused == nil || refused.Code != "25006" {
		t.Fatalf("not refused as read-only: %v", refused)
	}
	if err := create(); messages.CodeOf(err) != messages.CodeStoreUnavailable {
		t.Errorf("got %v", err)
	}
	if _, err := store.Tenants(t.Context()); err != nil {
		t.Errorf("reading: %v", err)
	}
	readOnly("off")
	var err error
	for range 20 {
		if err = create(); err == nil {
			return
		}
	}
	t.Errorf("after the switch: %v", err)
}

func roleOf(t *testing.T, at string) string {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	return u.User.Username()
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
	name, conn := roleOf(t, at), admin(t)
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
