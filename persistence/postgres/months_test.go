package postgres_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
	"example.com/parley/persistence/persistencetest"
)

// connect opens a bare connection.
func connect(t *testing.T, at string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// partitions tells how many rows each of the ledger's partitions has; those without
// any are left out.
func partitions(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	var counts []string
	err := as(t, conn, [2]string{"parley.scope", "operator"}, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), "SELECT tableoid::regclass::text || '=' || count(*) FROM usage_rows GROUP BY tableoid")
		if err == nil {
			counts, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(counts)
	return strings.Join(counts, " ")
}

func TestLedgerHasAPartitionAMonth(t *testing.T) {
	t.Parallel()
	at := database(t)
	store := open(t, at)
	defer store.Close()
	conn := connect(t, at)
	row := persistencetest.BusyRow
	last := time.Date(2030, 12, 31, 23, 59, 59, 999e6, time.UTC)
	late := row(last, 1)
	late.Created = last.Add(time.Hour) // an attempt of the next year belongs to its request
	rows := []messages.UsageRow{late, row(last.Add(time.Millisecond), 2), row(last.AddDate(0, 0, 40), 3)}
	write := func() {
		t.Helper()
		if err := store.AppendUsage(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
	write()
	if got := partitions(t, conn); got != "usage_rows_rest=3" {
		t.Errorf("of months that nobody prepared: %s", got)
	}
	made, err := store.PrepareMonths(t.Context(), last)
	if err != nil || made != 3 {
		t.Fatalf("made %d: %v", made, err)
	}
	write() // repeated
	if got := partitions(t, conn); got != "usage_rows_203012=1 usage_rows_203101=1 usage_rows_203102=1" {
		t.Errorf("after they were prepared: %s", got)
	}
	if made, err = store.PrepareMonths(t.Context(), last); err != nil || made != 0 {
		t.Errorf("made %d once more: %v", made, err)
	}
	if found, err := store.UsageRows(t.Context(), late.Tenant, late.Request); err != nil || len(found) != 1 {
		t.Errorf("%d rows: %v", len(found), err)
	}
}

func TestMonthsArePreparedAtTheStartAndByOneNodeAtATime(t *testing.T) {
	t.Parallel()
	at := database(t)
	stores := make(chan int, 4)
	first := open(t, at)
	defer first.Close()
	if err := first.AppendUsage(t.Context(), []messages.UsageRow{persistencetest.BusyRow(time.Now(), 1)}); err != nil {
		t.Fatal(err)
	}
	if got := partitions(t, connect(t, at)); got != "usage_rows_"+time.Now().UTC().Format("200601")+"=1" {
		t.Errorf("a row of today is in %s", got)
	}
	for range cap(stores) {
		go func() {
			made, err := first.PrepareMonths(context.Background(), time.Date(2040, 5, 1, 0, 0, 0, 0, time.UTC))
			if err != nil {
				t.Error(err)
			}
			stores <- made
		}()
	}
	sum := 0
	for range cap(stores) {
		sum += <-stores
	}
	if sum != 3 {
		t.Errorf("%d partitions were made, want 3", sum)
	}
}

// A report of one month asks that month's partition alone.
func TestReportsLookAtTheirMonthsAlone(t *testing.T) {
	t.Parallel()
	at := database(t)
	store := open(t, at)
	defer store.Close()
	start := time.Date(2031, 1, 15, 0, 0, 0, 0, time.UTC)
	if _, err := store.PrepareMonths(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, at)
	err := as(t, conn, [2]string{"parley.tenant", "acme"}, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), "EXPLAIN (COSTS OFF) SELECT sum(cost) FROM usage_rows WHERE tenant = 'acme' AND month >= 203101 AND month <= 203101")
		if err != nil {
			return err
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if text := strings.Join(plan, "\n"); !strings.Contains(text, "usage_rows_203101") || strings.Contains(text, "usage_rows_203102") || strings.Contains(text, "rest") {
			t.Errorf("the plan is\n%s", text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The ledger of a server before there were months is brought into them.
func TestOlderLedgerIsBroughtIntoMonths(t *testing.T) {
	t.Parallel()
	at := database(t)
	older := open(t, at)
	if err := older.MigrateBefore(t.Context(), "_ledger.sql"); err != nil {
		t.Fatal(err)
	}
	older.Close()
	conn := connect(t, at)
	fillOlder(t, conn)
	store := open(t, at)
	defer store.Close()
	if got := partitions(t, conn); got != "usage_rows_202311=1 usage_rows_202312=1" {
		t.Errorf("the rows are in %s", got)
	}
	report, err := store.UsageReport(t.Context(), messages.UsageQuery{Tenant: "acme", To: time.Now(), Limit: 10, By: []messages.UsageGroup{messages.ByDay}})
	if err != nil || len(report.Lines) != 2 || report.Lines[0].Day != "2023-11-14" || report.Lines[1].Day != "2023-12-01" || report.Sum.Cost != 12 {
		t.Errorf("%+v, %v", report, err)
	}
}

// fillOlder writes a row of 2023-11-14 and one of the month behind it.
func fillOlder(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	err := as(t, conn, [2]string{"parley.scope", "operator"}, func(tx pgx.Tx) error {
		for i, asked := range []time.Time{time.UnixMilli(1_700_000_000_000), time.Date(2023, 12, 1, 0, 0, 0, 0, time.UTC)} {
			id := messages.FirstTurnID(asked)
			if _, err := tx.Exec(t.Context(), `INSERT INTO usage_rows (tenant, request, attempt, key, conversation, endpoint, model, provider, served_model,
					fingerprint, service_tier, simulated, status, input, output, cached, cache_write, reasoning, estimated, cost, priced, created)
				VALUES ('acme', $1, 1, 'k', '', '/v1', 'm', 'p', 'm', '', '', FALSE, 'settled', 1, 1, 0, 0, 0, FALSE, $2, TRUE, 0)`, id[:], 5+2*i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMonthsAreDroppedOnceEveryTenantsMayGo(t *testing.T) {
	t.Parallel()
	at := database(t)
	store := open(t, at)
	defer store.Close()
	start := time.Date(2024, 11, 15, 0, 0, 0, 0, time.UTC)
	if _, err := store.PrepareMonths(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	for n := range 8 { // a tenant each
		for month := range time.Month(3) {
			row := persistencetest.BusyRow(time.Date(2024, 11+month, 15, 0, 0, 0, 0, time.UTC), n)
			if err := store.AppendUsage(t.Context(), []messages.UsageRow{row}); err != nil {
				t.Fatal(err)
			}
		}
	}
	conn := connect(t, at)
	keeper := persistencetest.BusyRow(start, 5).Tenant
	drop := func(expired func(messages.TenantID, time.Time) bool, want int, left string) {
		t.Helper()
		dropped, err := store.DropMonths(t.Context(), time.Date(2025, 1, 20, 0, 0, 0, 0, time.UTC), expired)
		if err != nil || dropped != want {
			t.Errorf("dropped %d, want %d: %v", dropped, want, err)
		}
		if got := partitions(t, conn); got != left {
			t.Errorf("there is %s, want %s", got, left)
		}
	}
	drop(func(of messages.TenantID, _ time.Time) bool { return of != keeper }, 0, "usage_rows_202411=8 usage_rows_202412=8 usage_rows_202501=8")
	drop(func(_ messages.TenantID, end time.Time) bool {
		return !end.After(time.Date(2024, 12, 1, 0, 0, 0, 0, time.UTC))
	}, 1, "usage_rows_202412=8 usage_rows_202501=8")
	drop(func(messages.TenantID, time.Time) bool { return true }, 1, "usage_rows_202501=8") // the month that runs stays
}
