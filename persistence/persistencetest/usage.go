package persistencetest

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

func testUsage(b *bench) {
	first, second := b.id(), b.id()
	rows := []messages.UsageRow{usageRow(first, 1), usageRow(first, 2), usageRow(second, 1)}
	rows[1].Served.Provider, rows[1].Cost, rows[1].Priced = "q", 0, false
	rows[2].Tenant = "rival"
	b.must(b.store.AppendUsage(b.ctx(), rows))
	b.must(b.store.AppendUsage(b.ctx(), rows[:1]))
	at := rows[0].Created
	totals := func(of messages.TenantID, from, to time.Time) []messages.UsageTotal {
		b.Helper()
		report, err := b.store.UsageReport(b.ctx(), messages.UsageQuery{
			Tenant: of, From: from, To: to, Limit: 10, By: []messages.UsageGroup{messages.ByTenant, messages.ByProvider, messages.ByModel},
		})
		b.must(err)
		return report.Lines
	}
	priced := messages.UsageTotal{Tenant: tenant, Provider: "p", Model: "m", Attempts: 1, Usage: messages.Usage{Input: 3, Output: 2}, Cost: 7}
	unpriced := priced
	unpriced.Provider, unpriced.Cost, unpriced.Unpriced = "q", 0, 1
	rival := priced
	rival.Tenant = "rival"
	b.same([]messages.UsageTotal{priced, unpriced}, totals(tenant, at, at.Add(time.Second)))
	b.same([]messages.UsageTotal{priced, unpriced, rival}, totals("", at, at.Add(time.Second)))
	b.same(0, len(totals("", at.Add(time.Millisecond), at.Add(time.Second))))
	b.same(0, len(totals("", at.Add(-time.Second), at)))

	many := make([]messages.UsageRow, 100) // more than a statement carries, and not a multiple of it
	for i := range many {
		many[i] = usageRow(b.id(), 1)
	}
	b.must(b.store.AppendUsage(b.ctx(), append(many[:50:50], many[40:]...)))
	b.same(int64(101), totals(tenant, at, at.Add(time.Second))[0].Attempts)
}

// testUsageRow wants all of a row back, and by the month of its request alone.
func testUsageRow(b *bench) {
	row := usageRow(b.id(), 1)
	row.CacheTier, row.Price, row.Saved = messages.CacheSemantic, "table:m@2030-01-31", 11
	row.Created = asked.AddDate(0, 2, 0) // of a request that took long
	b.must(b.store.AppendUsage(b.ctx(), []messages.UsageRow{row, row}))
	rows, err := b.store.UsageRows(b.ctx(), tenant, row.Request)
	b.must(err)
	b.same([]messages.UsageRow{row}, rows)
	report, err := b.store.UsageReport(b.ctx(), messages.UsageQuery{From: asked, To: asked.Add(time.Minute), Limit: 1, By: messages.UsageGroups()})
	b.must(err)
	b.same([]messages.UsageTotal{{
		Day: asked.UTC().Format(time.DateOnly), Tenant: tenant, Key: "k1", Provider: "p", Model: "m", CacheTier: messages.CacheSemantic,
		Attempts: 1, Usage: row.Usage, Cost: 7, Saved: 11,
	}}, report.Lines)
}

// testUsageSums compares reports with sums of the rows that were written: to the
// nano-dollar, in any grouping, over any time, in pages of any size.
func testUsageSums(b *bench) {
	var rows []messages.UsageRow
	rapid.Check(b.T, func(t *rapid.T) {
		added := make([]messages.UsageRow, rapid.IntRange(0, 20).Draw(t, "rows"))
		for i := range added {
			added[i] = drawRow(t, uint64(len(rows)+i)) // #nosec G115 -- a count
		}
		b.must(b.store.AppendUsage(b.ctx(), added))
		rows = append(rows, added...)
		again := rapid.IntRange(0, len(rows)).Draw(t, "written again")
		b.must(b.store.AppendUsage(b.ctx(), rows[:again]))

		from := asked.Add(time.Duration(rapid.IntRange(-1, 100*24*60).Draw(t, "from")) * time.Minute)
		q := messages.UsageQuery{
			Tenant: messages.TenantID(rapid.SampledFrom([]string{"", "a", "b", "nobody"}).Draw(t, "tenant")),
			From:   from, To: from.Add(time.Duration(rapid.IntRange(1, 100*24*60).Draw(t, "minutes")) * time.Minute),
			By: drawGroups(t), Limit: rapid.IntRange(1, 30).Draw(t, "limit"),
		}
		want := addUp(rows, &q)
		got, sum := b.pages(q)
		if len(want) == 0 {
			b.same(messages.UsageTotal{}, sum)
		} else {
			b.same(addUp(rows, &messages.UsageQuery{Tenant: q.Tenant, From: q.From, To: q.To})[0], sum)
		}
		b.same(want, sorted(got))
	})
}

// pages reads a report to its end.
func (b *bench) pages(q messages.UsageQuery) (lines []messages.UsageTotal, sum messages.UsageTotal) {
	b.Helper()
	for {
		page, err := b.store.UsageReport(b.ctx(), q)
		b.must(err)
		if len(page.Lines) > q.Limit || q.Skip > 0 && page.Sum != sum {
			b.Fatalf("a page of %d lines says that the sum is %+v, not %+v", len(page.Lines), page.Sum, sum)
		}
		lines, sum = append(lines, page.Lines...), page.Sum
		if q.Skip += len(page.Lines); !page.More {
			return lines, sum
		}
	}
}

func drawRow(t *rapid.T, serial uint64) messages.UsageRow {
	name := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(t, what) }
	row := usageRow(messages.FirstTurnID(asked.Add(time.Duration(rapid.IntRange(0, 100*24*60).Draw(t, "minute"))*time.Minute)), 1)
	binary.BigEndian.PutUint64(row.Request[8:], serial)
	row.Tenant, row.Key = messages.TenantID(name("of", "a", "b", "c")), messages.KeyID(name("key", "k1", "k2"))
	row.Served.Provider, row.Served.Model = name("provider", "p", "q", "cache"), name("model", "m", "n")
	row.CacheTier = messages.CacheTier(name("tier", "", "miss", "exact"))
	row.Cost = messages.NanoDollars(rapid.Int64Range(0, 1e15).Draw(t, "cost"))
	row.Saved = messages.NanoDollars(rapid.Int64Range(0, 1e15).Draw(t, "saved"))
	row.Priced = rapid.Bool().Draw(t, "priced")
	return row
}

func drawGroups(t *rapid.T) (by []messages.UsageGroup) {
	for _, group := range messages.UsageGroups() {
		if rapid.Bool().Draw(t, string(group)) {
			by = append(by, group)
		}
	}
	return by
}

// addUp is what a report has to say, in the plainest words.
func addUp(rows []messages.UsageRow, q *messages.UsageQuery) (lines []messages.UsageTotal) {
	sums := make(map[string]*messages.UsageTotal)
	for i := range rows {
		r := &rows[i]
		if q.Tenant != "" && r.Tenant != q.Tenant || r.Request.Time().Before(q.From) || !r.Request.Time().Before(q.To) {
			continue
		}
		line := lineOf(r, q.By)
		key := sortKey(&line)
		if sums[key] == nil {
			sums[key] = &messages.UsageTotal{Day: line.Day, Tenant: line.Tenant, Key: line.Key, Provider: line.Provider, Model: line.Model, CacheTier: line.CacheTier}
		}
		sums[key].Add(&line)
	}
	for _, line := range sums {
		lines = append(lines, *line)
	}
	return sorted(lines)
}

// lineOf is the line of a row alone.
func lineOf(r *messages.UsageRow, by []messages.UsageGroup) messages.UsageTotal {
	line := messages.UsageTotal{Attempts: 1, Usage: messages.Usage{Input: r.Usage.Input, Output: r.Usage.Output}, Cost: r.Cost, Saved: r.Saved}
	if !r.Priced {
		line.Unpriced = 1
	}
	for _, group := range by {
		switch group {
		case messages.ByDay:
			line.Day = r.Request.Time().UTC().Format(time.DateOnly)
		case messages.ByTenant:
			line.Tenant = r.Tenant
		case messages.ByKey:
			line.Key = r.Key
		case messages.ByProvider:
			line.Provider = r.Served.Provider
		case messages.ByModel:
			line.Model = r.Served.Model
		case messages.ByCacheTier:
			line.CacheTier = r.CacheTier
		}
	}
	return line
}

func sortKey(t *messages.UsageTotal) string {
	return strings.Join([]string{t.Day, string(t.Tenant), string(t.Key), t.Provider, t.Model, string(t.CacheTier)}, "|")
}

func sorted(lines []messages.UsageTotal) []messages.UsageTotal {
	return slices.SortedFunc(slices.Values(lines), func(a, b messages.UsageTotal) int { return cmp.Compare(sortKey(&a), sortKey(&b)) })
}
