package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// database makes an empty PostgreSQL database with a role of its own, and
// returns its URL.
func database(t *testing.T) string {
	t.Helper()
	at, err := url.Parse(needed(t, "PARLEY_TEST_POSTGRES_URL"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	var random [8]byte
	_, _ = rand.Read(random[:])
	name := "parley_" + hex.EncodeToString(random[:])
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
		_ = conn.Close(context.Background())
	})
	at.User, at.Path = url.UserPassword(name, name), "/"+name
	return at.String()
}

func TestServerOnPostgreSQL(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	writeFile(t, file, database(t)+"\n")
	launched := launch{env: []string{"PARLEY_STORE_POSTGRES_URL_FILE=" + file}}
	p := start(t, launched)
	kept := p.post("/v1/responses", p.key, `{"model":"simulated/x","input":"Hello!"}`)
	if kept.status != http.StatusOK {
		t.Fatalf("got %d %s", kept.status, kept.body)
	}
	key := p.key
	p.terminate()
	if _, err := os.Stat(filepath.Join(p.data, "parley.db")); err == nil {
		t.Error("there is an SQLite database too")
	}

	if out, err := runBinary(t, launched.env, "tenant", "create", "research", "--data", p.data); err != nil || !strings.HasPrefix(out, "tenant_") {
		t.Errorf("a tenant in the store: %q, %v", out, err)
	}
	if _, err := runBinary(t, launched.env, "backup", "x", "--data", p.data); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("backup: %v", err)
	}
	launched.data = p.data
	p = start(t, launched)
	if again := p.get("/v1/responses/"+kept.id(t), key); again.status != http.StatusOK {
		t.Errorf("after another start: %d %s", again.status, again.body)
	}
	p.terminate()
}

// Servers that share a database hear of a revoked key from it, each by itself.
func TestRevokedKeyDiesOnEveryServerWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	const bound, keys = 5 * time.Second, 5
	launched := launch{env: []string{"PARLEY_STORE_POSTGRES_URL=" + database(t), "PARLEY_KEYS_MAX_TRIES=0"}}
	one, other := start(t, launched), start(t, launched)
	slowest := time.Duration(0)
	for range keys {
		var made struct{ ID, Key string }
		created := one.operate(http.MethodPost, "/admin/keys", `{"tenant":"tenant_first","role":"member"}`)
		if err := json.Unmarshal([]byte(created.body), &made); err != nil || made.Key == "" {
			t.Fatalf("got %d %s", created.status, created.body)
		}
		for _, p := range []*process{one, other} {
			if answer := p.get("/v1/models", made.Key); answer.status != http.StatusOK {
				t.Fatalf("before: %d %s", answer.status, answer.body)
			}
		}
		if revoked := one.operate(http.MethodDelete, "/admin/keys/"+made.ID, ""); revoked.status != http.StatusOK {
			t.Fatalf("got %d %s", revoked.status, revoked.body)
		}
		began := time.Now()
		for _, p := range []*process{one, other} {
			eventually(t, "the key to be refused", func() bool { return p.get("/v1/models", made.Key).status == http.StatusUnauthorized })
		}
		slowest = max(slowest, time.Since(began))
	}
	if slowest > bound {
		t.Errorf("a key died after %s, want %s at most", slowest, bound)
	}
	t.Logf("the slowest of %d keys was dead on both servers after %s", keys, slowest)
}

func TestServerWaitsForADatabaseThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	real, err := url.Parse(database(t))
	if err != nil {
		t.Fatal(err)
	}
	front, own := freeAddress(t), freeAddress(t)
	target := real.Host
	real.Host = front
	p := begin(t, launch{arguments: []string{"--listen", own}, env: []string{"PARLEY_STORE_POSTGRES_URL=" + real.String()}})
	p.url = "http://" + own
	eventually(t, "the server to say that it is not ready", func() bool { return p.readiness() == http.StatusServiceUnavailable })

	relay(t, front, target)
	p.awaitReady()
	if answer := p.ask(p.key, hello); answer.status != http.StatusOK {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	p.terminate()
}

func TestServerThatWaitsForItsDatabaseCanBeStopped(t *testing.T) {
	t.Parallel()
	own := freeAddress(t)
	p := begin(t, launch{arguments: []string{"--listen", own}, env: []string{"PARLEY_STORE_POSTGRES_URL=postgres://a:b@" + freeAddress(t) + "/c"}})
	p.url = "http://" + own
	eventually(t, "the server to say that it is not ready", func() bool { return p.readiness() == http.StatusServiceUnavailable })
	p.terminate()
}

func TestServerDoesNotWaitForADatabaseThatRefusesIt(t *testing.T) {
	t.Parallel()
	at, err := url.Parse(database(t))
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword("nobody", "wrong")
	arguments := []string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", t.TempDir()}
	if _, err := runBinary(t, []string{"PARLEY_STORE_POSTGRES_URL=" + at.String()}, arguments...); err == nil || !strings.Contains(err.Error(), "password authentication failed") {
		t.Errorf("got %v", err)
	}
}

// freeAddress is one that nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nobody connected
	return listener.Addr().String()
}

// relay listens on one address and connects to another, until the test ends.
func relay(t *testing.T, from, to string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", from)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { carry(ctx, client, to) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		stop()
		connections.Wait()
	})
}

// carry moves bytes both ways until either side, or ctx, has ended.
func carry(ctx context.Context, client net.Conn, to string) {
	server, err := new(net.Dialer).DialContext(ctx, "tcp", to)
	if err != nil {
		_ = client.Close()
		return
	}
	shut := func() {
		_ = client.Close()
		_ = server.Close()
	}
	defer context.AfterFunc(ctx, shut)()
	var ways sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		ways.Go(func() {
			_, _ = io.Copy(way[1], way[0])
			shut()
		})
	}
	ways.Wait()
}
