package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// wantedUsage is what the flags of `usage` say.
type wantedUsage struct {
	tenant, from, to, by string
	json, csv            bool
}

func usageCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "usage", Short: "Print what was used, what it cost, and what the cache saved", Args: cobra.NoArgs,
		Example: "  parley usage --from 30d\n  parley usage --by day,model --from 7d\n" +
			"  parley usage --tenant research --from 2030-01-01 --to 2030-02-01 --by key --csv",
	}
	flags := addAdminFlags(c)
	want := wantedUsage{}
	c.Flags().BoolVar(&want.json, "json", false, "print JSON, as the admin listener writes it")
	c.Flags().BoolVar(&want.csv, "csv", false, "print CSV, as the admin listener writes it")
	c.Flags().StringVar(&want.tenant, "tenant", "", "only what the `TENANT` used, by id or name")
	c.Flags().StringVar(&want.from, "from", "", "only from `WHEN` on: 2030-01-31, 2030-01-31T12:00:00Z, or 30d or 12h ago")
	c.Flags().StringVar(&want.to, "to", "", "only before `WHEN`")
	c.Flags().StringVar(&want.by, "by", "tenant,provider,model", "a line for each of `GROUPS`: day, tenant, key, provider, model, cache_tier, several with commas, or none")
	c.RunE = func(c *cobra.Command, _ []string) error {
		query, err := want.query(time.Now())
		if err != nil {
			return err
		}
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			if want.tenant != "" {
				if query.Tenant, err = findTenant(ctx, a, want.tenant); err != nil {
					return err
				}
			}
			report, err := wholeReport(ctx, a, query)
			if err != nil {
				return err
			}
			return want.print(c.OutOrStdout(), query.By, &report)
		})
	}
	return c
}

// query is what the flags ask for, but for the tenant.
func (u *wantedUsage) query(now time.Time) (q messages.UsageQuery, err error) {
	if u.json && u.csv {
		return q, &messages.Failure{Code: messages.CodeInvalidRequest, What: "--json and --csv are two forms of the same", Do: "give one of them"}
	}
	span, err := parseSpan(u.from, u.to, now)
	if err != nil {
		return q, err
	}
	q = messages.UsageQuery{From: span.from, To: span.to, Limit: messages.MaxUsageLines}
	var unknown string
	if q.By, unknown = messages.ParseUsageGroups(u.by); unknown != "" {
		return q, &messages.Failure{
			Code: messages.CodeInvalidRequest, What: fmt.Sprintf("there is no group %q", unknown),
			Do: "give --by some of " + joinGroups(messages.UsageGroups()) + ", or none",
		}
	}
	return q, nil
}

func joinGroups(groups []messages.UsageGroup) string {
	return strings.Join(mapped(groups, func(g messages.UsageGroup) string { return string(g) }), ",")
}

// wholeReport puts the pages of a report together.
func wholeReport(ctx context.Context, from parleyhttp.Usage, q messages.UsageQuery) (whole messages.UsageReport, err error) {
	for {
		page, err := from.UsageReport(ctx, q)
		if err != nil {
			return whole, err
		}
		whole.Lines, whole.Sum = append(whole.Lines, page.Lines...), page.Sum
		if q.Skip += len(page.Lines); !page.More {
			return whole, nil
		}
	}
}

// span is the time of a report: from one moment up to, but not including,
// another.
type span struct{ from, to time.Time }

func parseSpan(from, to string, now time.Time) (s span, err error) {
	s = span{from: time.Unix(0, 0).UTC(), to: now.AddDate(1, 0, 0)} // clocks of other machines may be ahead
	if from != "" {
		if s.from, err = moment("from", from, now, backward); err != nil {
			return s, err
		}
	}
	if to != "" {
		if s.to, err = moment("to", to, now, backward); err != nil {
			return s, err
		}
	}
	if !s.from.Before(s.to) {
		return s, &messages.Failure{
			Code: messages.CodeInvalidRequest, What: fmt.Sprintf("--from (%s) is not before --to (%s)", showTime(s.from, ""), showTime(s.to, "")),
			Do: "give a time span with something in it",
		}
	}
	return s, nil
}

func (u *wantedUsage) print(w io.Writer, by []messages.UsageGroup, report *messages.UsageReport) error {
	switch {
	case u.json:
		return printIndented(w, parleyhttp.UsageList{
			Object: "list", Summary: parleyhttp.ViewUsage(&report.Sum, nil),
			Data: mapped(report.Lines, func(t messages.UsageTotal) parleyhttp.UsageLine { return parleyhttp.ViewUsage(&t, by) }),
		})
	case u.csv:
		table, err := parleyhttp.UsageCSV(by, report.Lines)
		if err != nil {
			return err
		}
		_, err = w.Write(table)
		return err
	default:
		return printUsage(w, by, report)
	}
}
