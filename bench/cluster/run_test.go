package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"example.com/parley/bench/report"
)

// database makes an empty one, and returns its URL.
func database(t *testing.T) string {
	t.Helper()
	at, err := url.Parse(os.Getenv("PARLEY_TEST_POSTGRES_URL"))
	if err != nil || at.Host == "" {
		t.Fatalf("PARLEY_TEST_POSTGRES_URL is not set: `make test` starts a PostgreSQL and sets it (%v)", err)
	}
	conn, err := pgx.Connect(t.Context(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	var random [8]byte
	_, _ = rand.Read(random[:])
	name := "bench_" + hex.EncodeToString(random[:])
	for _, statement := range []string{"CREATE ROLE " + name + " LOGIN PASSWORD '" + name + "'", "CREATE DATABASE " + name + " OWNER " + name} {
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

// A small run finds that nothing is lost. How long anything takes is not for a
// test to say.
func TestSmallRunLosesNothing(t *testing.T) {
	t.Parallel()
	line := report.New(t.Context(), "cluster")
	o := options{store: database(t), nodes: 2, writers: 3, kills: 1, asked: 10, seed: 1}
	if err := measure(t.Context(), o, line); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, target := range line.Targets {
		switch target.Name {
		case "lost", "twice", "forks", "refused_for_good":
			if seen++; !target.OK {
				t.Errorf("%s is %v, want %s", target.Name, target.Got, target.Want)
			}
		}
	}
	if all := line.Figures["history"].(history); seen != 4 || all.Acknowledged < 10 {
		t.Errorf("%d of 4 promises were looked at, over %+v", seen, all)
	}
}

func TestHistoryThatIsNotAsAcknowledgedIsNoticed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		acknowledged, said []string
		want               history
	}{
		"as it was":               {[]string{"a", "b"}, []string{"a", "b"}, history{Acknowledged: 2}},
		"with what nobody saw":    {[]string{"a", "c"}, []string{"a", "b", "c"}, history{Acknowledged: 2}},
		"without one":             {[]string{"a", "b"}, []string{"a"}, history{Acknowledged: 2, Lost: 1}},
		"with one twice":          {[]string{"a", "b"}, []string{"a", "b", "a"}, history{Acknowledged: 2, Twice: 1}},
		"in another order":        {[]string{"a", "b"}, []string{"b", "a"}, history{Acknowledged: 2, Forks: 1}},
		"with nothing of it kept": {[]string{"a"}, nil, history{Acknowledged: 1, Lost: 1}},
	} {
		var got history
		if got.compare(c.acknowledged, c.said); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}
