package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"example.com/parley/messages"
	"example.com/parley/persistence/sqlite"
)

// Rows of a ledger before there were days belong to the day in their request's id.
func TestOlderRowsGetTheirDay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "parley.db")
	open(t, path).Close()
	first, second := messages.FirstTurnID(time.UnixMilli(1_700_000_000_000)), messages.FirstTurnID(time.Date(2023, 12, 1, 0, 0, 0, 0, time.UTC))
	row := `INSERT INTO usage_rows (tenant, request, attempt, key, conversation, endpoint, model, provider, served_model,
			fingerprint, service_tier, simulated, status, input, output, cached, cache_write, reasoning, estimated, cost, priced, created)
		VALUES ('acme', x'%x', 1, 'k', '', '/v1', 'm', 'p', 'm', '', '', 0, 'settled', 1, 1, 0, 0, 0, 0, %d, 1, 0)`
	if err := sqlite.MigrateBefore(t.Context(), path, "_ledger.sql", fmt.Sprintf(row, first[:], 5), fmt.Sprintf(row, second[:], 7)); err != nil {
		t.Fatal(err)
	}
	store := open(t, path)
	defer store.Close()
	report, err := store.UsageReport(t.Context(), messages.UsageQuery{Tenant: "acme", To: time.Now(), Limit: 10, By: []messages.UsageGroup{messages.ByDay}})
	if err != nil || len(report.Lines) != 2 || report.Lines[0].Day != "2023-11-14" || report.Lines[1].Day != "2023-12-01" || report.Sum.Cost != 12 {
		t.Errorf("%+v, %v", report, err)
	}
	if rows, err := store.UsageRows(t.Context(), "acme", second); err != nil || len(rows) != 1 {
		t.Errorf("%+v, %v", rows, err)
	}
}
