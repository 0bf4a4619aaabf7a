package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"example.com/parley/messages"
)

// Whoever opens the file can read what was written down, and add to it.
func TestAuditLogIsOnlyAddedTo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "parley.db")
	store := open(t, path)
	if err := store.CreateTenant(t.Context(), messages.Tenant{ID: "acme", Name: "Acme"}); err != nil {
		t.Fatal(err)
	}
	store.Close()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing is kept
	for _, statement := range []string{
		"UPDATE audit_log SET actor = 'somebody'", "DELETE FROM audit_log",
		"INSERT OR REPLACE INTO audit_log SELECT id, created, actor_kind, 'somebody', address, request, action, object, tenant, state_before, state_after FROM audit_log",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	var entries int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM audit_log WHERE actor = ''").Scan(&entries); err != nil || entries != 1 {
		t.Errorf("%d entries are left as they were: %v", entries, err)
	}
}
