package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/parley/messages"
)

func usageCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "usage", Short: "Print what was used, and what it cost", Args: cobra.NoArgs,
		Example: "  parley usage --from 30d\n  parley usage --tenant research --from 2030-01-01 --to 2030-02-01 --json",
	}
	flags := addAdminFlags(c)
	asJSON := addJSONFlag(c)
	called := c.Flags().String("tenant", "", "only what the `TENANT` used, by id or name")
	from := c.Flags().String("from", "", "only from `WHEN` on: 2030-01-31, 2030-01-31T12:00:00Z, or 30d or 12h ago")
	to := c.Flags().String("to", "", "only before `WHEN`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		span, err := parseSpan(*from, *to, time.Now())
		if err != nil {
			return err
		}
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			totals, err := span.totals(ctx, a, *called)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(c.OutOrStdout(), mapped(totals, jsonOfUsage))
			}
			return printUsage(c.OutOrStdout(), totals)
		})
	}
	return c
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

func (s span) totals(ctx context.Context, a administration, called string) ([]messages.UsageTotal, error) {
	var of messages.TenantID
	if called != "" {
		var err error
		if of, err = findTenant(ctx, a, called); err != nil {
			return nil, err
		}
	}
	return a.UsageTotals(ctx, of, s.from, s.to)
}

// printUsage writes a line for each tenant, provider and model, and their sum.
func printUsage(w io.Writer, totals []messages.UsageTotal) error {
	header := []string{"TENANT", "PROVIDER", "MODEL", "ATTEMPTS", "INPUT", "CACHED", "OUTPUT", "REASONING", "COST", "SAVED"}
	sum := messages.UsageTotal{Tenant: "total"}
	for i := range totals {
		sum.Attempts += totals[i].Attempts
		sum.Usage.Input += totals[i].Usage.Input
		sum.Usage.Cached += totals[i].Usage.Cached
		sum.Usage.Output += totals[i].Usage.Output
		sum.Usage.Reasoning += totals[i].Usage.Reasoning
		sum.Cost += totals[i].Cost
		sum.Saved += totals[i].Saved
		sum.Unpriced += totals[i].Unpriced
	}
	err := printTable(w, header, len(totals)+1, func(i int) []string {
		if i == len(totals) {
			return usageRow(sum)
		}
		return usageRow(totals[i])
	})
	if err == nil && sum.Unpriced > 0 {
		_, err = fmt.Fprintf(w, "\n%s had no price and count as free: name their models in the section prices.\n", count(int(sum.Unpriced), "attempt"))
	}
	return err
}

func usageRow(u messages.UsageTotal) []string {
	return []string{
		string(u.Tenant), dash(u.Provider), dash(u.Model), strconv.FormatInt(u.Attempts, 10),
		strconv.Itoa(u.Usage.Input), strconv.Itoa(u.Usage.Cached), strconv.Itoa(u.Usage.Output), strconv.Itoa(u.Usage.Reasoning),
		dollars(u.Cost), dollars(u.Saved),
	}
}

// dollars writes an amount with as many digits as it has, and at least cents.
func dollars(n messages.NanoDollars) string {
	const nanosPerDollar, digits, cents = 1_000_000_000, 9, 2
	fraction := fmt.Sprintf("%0*d", digits, int64(n)%nanosPerDollar)
	for len(fraction) > cents && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	return fmt.Sprintf("$%d.%s", int64(n)/nanosPerDollar, fraction)
}
