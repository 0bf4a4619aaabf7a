package relational

import (
	"context"
	"fmt"
	"strings"
	"time"

	"example.com/parley/messages"
)

// MonthOf is a moment's month in UTC as the ledger has it, such as 202601.
func MonthOf(at time.Time) int { return dayOf(at) / 100 }

// dayOf is a moment's day in UTC as the ledger has it, such as 20260131. The month
// is what comes before the last two digits.
func dayOf(at time.Time) int {
	year, month, day := at.UTC().Date()
	return (year*100+int(month))*100 + day
}

// groupColumn is the column that tells a report's lines apart.
func groupColumn(by messages.UsageGroup) string {
	switch by {
	case messages.ByDay, messages.ByTenant, messages.ByKey, messages.ByProvider, messages.ByCacheTier:
		return string(by)
	case messages.ByModel:
		return "served_model"
	default:
		return ""
	}
}

// groupTarget is where a line has what the column says.
func groupTarget(t *messages.UsageTotal, day *int, by messages.UsageGroup) any {
	switch by {
	case messages.ByDay:
		return day
	case messages.ByTenant:
		return &t.Tenant
	case messages.ByKey:
		return &t.Key
	case messages.ByProvider:
		return &t.Provider
	case messages.ByModel:
		return &t.Model
	default:
		return &t.CacheTier
	}
}

// UsageReport adds up rows in the database. The time of a row is the one in its
// request's id, so that a request and all its attempts belong to one period.
func (s *Store) UsageReport(ctx context.Context, q messages.UsageQuery) (report messages.UsageReport, err error) {
	err = s.read(ctx, q.Tenant, "UsageReport", func(r *querying) (err error) {
		if report.Lines, err = r.usageLines(&q, q.By, q.Limit+1, q.Skip); err != nil {
			return err
		}
		if report.More = len(report.Lines) > q.Limit; report.More {
			report.Lines = report.Lines[:q.Limit]
		}
		if q.Skip == 0 && !report.More { // it is all here, and no row came meanwhile
			for i := range report.Lines {
				report.Sum.Add(&report.Lines[i])
			}
			return nil
		}
		sum, err := r.usageLines(&q, nil, 1, 0)
		if len(sum) > 0 {
			report.Sum = sum[0]
		}
		return err
	})
	return report, err
}

// usageLines returns some lines of a report. There are as many statements as sets
// of groups.
func (q *querying) usageLines(of *messages.UsageQuery, by []messages.UsageGroup, limit, skip int) (lines []messages.UsageTotal, err error) {
	columns := make([]string, len(by))
	for i, group := range by {
		if columns[i] = groupColumn(group); columns[i] == "" {
			return nil, fmt.Errorf("there is no group %q", group)
		}
	}
	text, args := usageStatement(of, columns)
	err = q.rows(text, append(args, limit, skip), func(row Scanner) error {
		t, err := scanUsage(row, by)
		lines = append(lines, t)
		return err
	})
	return lines, err
}

func scanUsage(row Scanner, by []messages.UsageGroup) (t messages.UsageTotal, err error) {
	var day int
	into := make([]any, 0, len(by)+9)
	for _, group := range by {
		into = append(into, groupTarget(&t, &day, group))
	}
	err = row.Scan(append(into, &t.Attempts, &t.Usage.Input, &t.Usage.Output, &t.Usage.Cached, &t.Usage.CacheWrite, &t.Usage.Reasoning,
		&t.Cost, &t.Saved, &t.Unpriced)...)
	if day != 0 {
		t.Day = fmt.Sprintf("%04d-%02d-%02d", day/10000, day/100%100, day%100)
	}
	return t, err
}

// usageSums are what a line adds up, in the order in which scanUsage reads it.
const usageSums = `count(*), CAST(coalesce(sum(input), 0) AS BIGINT), CAST(coalesce(sum(output), 0) AS BIGINT), CAST(coalesce(sum(cached), 0) AS BIGINT),
	CAST(coalesce(sum(cache_write), 0) AS BIGINT), CAST(coalesce(sum(reasoning), 0) AS BIGINT), CAST(coalesce(sum(cost), 0) AS BIGINT),
	CAST(coalesce(sum(saved), 0) AS BIGINT), CAST(coalesce(sum(CASE WHEN priced = FALSE THEN 1 ELSE 0 END), 0) AS BIGINT)`

// usageStatement lacks the values of its limit and offset. A tenant and a period's
// months are named as what they are, which is what indexes and partitions go by.
func usageStatement(of *messages.UsageQuery, columns []string) (text string, args []any) {
	where, order := "", " HAVING count(*) > 0"
	if of.Tenant != "" {
		where, args = "tenant = ? AND ", append(args, of.Tenant)
	}
	list := strings.Join(columns, ", ")
	shown := usageSums
	if len(columns) > 0 {
		shown, order = list+", "+usageSums, " GROUP BY "+list+" ORDER BY "+list
	}
	args = append(args, MonthOf(of.From), MonthOf(of.To), turnBytes(messages.FirstTurnID(of.From)), turnBytes(messages.FirstTurnID(of.To)))
	return "SELECT " + shown + " FROM usage_rows WHERE " + where + "month >= ? AND month <= ? AND request >= ? AND request < ?" + order + " LIMIT ? OFFSET ?", args
}
