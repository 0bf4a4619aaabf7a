package program

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// service is what a benchmark starts beside its subjects.
type service interface {
	Start(ctx context.Context) error
	Kill()
}

func TestServicesComeBackAtTheSamePlace(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "services-") // not the test's own: PostgreSQL's user cannot enter that
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	at := func() string {
		address, err := FreeAddress()
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
	redisAt, postgresAt := at(), at()
	redis, err := NewRedis(folder, redisAt, "env", "NOTHING=")
	if err != nil {
		t.Fatal(err)
	}
	postgres, err := NewPostgres(t.Context(), folder, postgresAt)
	if err != nil {
		t.Fatal(err)
	}
	for address, one := range map[string]service{redisAt: redis, postgresAt: postgres} {
		defer one.Kill()
		for range 2 {
			if err := one.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			one.Kill()
			if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil { //nolint:noctx // for a second
				_ = conn.Close()
				t.Errorf("%s takes connections still", address)
			}
		}
	}
	if err := postgres.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	psql := exec.CommandContext(t.Context(), filepath.Join(postgres.programs, "psql"), postgres.URL, "-Atc", "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
	if out, err := psql.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "parley|f|f" {
		t.Errorf("the server's role is %s: %v", out, err)
	}
}
