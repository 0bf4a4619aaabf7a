package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
