package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"example.com/parley/messages"
)

// printUsage writes a line for each group, and their sum: what the replies cost,
// and would have cost without the cache.
func printUsage(w io.Writer, by []messages.UsageGroup, report *messages.UsageReport) error {
	header := mapped(by, func(g messages.UsageGroup) string { return strings.ToUpper(strings.ReplaceAll(string(g), "_", " ")) })
	if len(by) == 0 {
		header = []string{""}
	}
	header = append(header, "ATTEMPTS", "INPUT", "CACHED", "OUTPUT", "REASONING", "WITHOUT CACHE", "COST", "SAVED", "%")
	err := printTable(w, header, len(report.Lines)+1, func(i int) []string {
		if i == len(report.Lines) {
			return append(totalNames(by), usageNumbers(&report.Sum)...)
		}
		names := mapped(by, func(g messages.UsageGroup) string { return dash(report.Lines[i].Group(g)) })
		if len(by) == 0 {
			names = []string{"all"}
		}
		return append(names, usageNumbers(&report.Lines[i])...)
	})
	if err == nil && report.Sum.Unpriced > 0 {
		_, err = fmt.Fprintf(w, "\n%s had no price and count as free: name their models in the section prices.\n", count(int(report.Sum.Unpriced), "attempt"))
	}
	return err
}

// totalNames fills the columns of names in the line of the sum.
func totalNames(by []messages.UsageGroup) []string {
	return append([]string{"total"}, slices.Repeat([]string{"-"}, max(len(by)-1, 0))...)
}

func usageNumbers(u *messages.UsageTotal) []string {
	return []string{
		strconv.FormatInt(u.Attempts, 10),
		strconv.Itoa(u.Usage.Input), strconv.Itoa(u.Usage.Cached), strconv.Itoa(u.Usage.Output), strconv.Itoa(u.Usage.Reasoning),
		dollars(u.WithoutCache()), dollars(u.Cost), dollars(u.Saved), strconv.FormatFloat(u.SavedPercent(), 'f', 1, 64),
	}
}

// dollars writes an amount to the micro-dollar, with as many digits as it has, and
// at least cents.
func dollars(n messages.NanoDollars) string {
	const microsPerDollar, digits, cents = 1_000_000, 6, 2
	micro := int64(n.Micro())
	fraction := fmt.Sprintf("%0*d", digits, micro%microsPerDollar)
	for len(fraction) > cents && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	return fmt.Sprintf("$%d.%s", micro/microsPerDollar, fraction)
}
