package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"example.com/parley/messages"
)

func tenantCommand(w world) *cobra.Command {
	c := &cobra.Command{Use: "tenant", Short: "Make, change, delete and list tenants", Args: cobra.NoArgs}
	c.AddCommand(tenantCreateCommand(w), tenantChangeCommand(w), tenantDeleteCommand(w), tenantListCommand(w), tenantRetentionCommand(w))
	return c
}

func tenantCreateCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "create NAME", Short: "Make a tenant and print its id", Args: cobra.ExactArgs(1),
		Example: "  parley key create --tenant $(parley tenant create research)",
	}
	flags := addAdminFlags(c)
	flags.creates = true
	mayRoute, allowance := addMayRouteFlag(c), addAllowanceFlags(c)
	c.RunE = func(c *cobra.Command, arguments []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			made, err := a.CreateTenant(ctx, messages.Tenant{Name: arguments[0], MayRoute: *mayRoute, Allowance: allowance.allowance()})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), made.ID)
			return err
		})
	}
	return c
}

func tenantListCommand(w world) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the tenants", Args: cobra.NoArgs}
	flags := addAdminFlags(c)
	asJSON := addJSONFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			tenants, err := a.Tenants(ctx)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(c.OutOrStdout(), mapped(tenants, jsonOfTenant))
			}
			return printTenants(c.OutOrStdout(), tenants)
		})
	}
	return c
}

func printTenants(w io.Writer, tenants []messages.Tenant) error {
	return printTable(w, []string{"TENANT", "NAME", "CREATED", "STATE", "MAY ROUTE", "MODELS", "PROVIDERS"}, len(tenants), func(i int) []string {
		t := tenants[i]
		return []string{string(t.ID), t.Name, showTime(t.Created, ""), tenantState(t), showYes(t.MayRoute), showList(t.Allowance.Models), showList(t.Allowance.Providers)}
	})
}

func tenantState(t messages.Tenant) string {
	if !t.Disabled.IsZero() {
		return "disabled " + showTime(t.Disabled, "")
	}
	return "good"
}

// showList writes names, or that there is no bound.
func showList(names []string) string {
	if len(names) == 0 {
		return "all"
	}
	return strings.Join(names, ",")
}

// findTenant returns the tenant of that id or, where no other has it, name.
// Without either it is the only one that there is.
func findTenant(ctx context.Context, a administration, called string) (messages.TenantID, error) {
	tenants, err := a.Tenants(ctx)
	if err != nil {
		return "", err
	}
	if called == "" {
		return onlyTenant(tenants)
	}
	if slices.ContainsFunc(tenants, func(t messages.Tenant) bool { return string(t.ID) == called }) {
		return messages.TenantID(called), nil
	}
	named := slices.DeleteFunc(tenants, func(t messages.Tenant) bool { return t.Name != called })
	switch len(named) {
	case 1:
		return named[0].ID, nil
	case 0:
		return "", &messages.Failure{
			Code: messages.CodeInvalidRequest, What: fmt.Sprintf("there is no tenant %q", called),
			Do: "list the tenants with: parley tenant list",
		}
	default:
		return "", &messages.Failure{
			Code: messages.CodeInvalidRequest, What: fmt.Sprintf("%d tenants are called %q", len(named), called),
			Do: "name one by its id: " + joinIDs(named),
		}
	}
}

func onlyTenant(tenants []messages.Tenant) (messages.TenantID, error) {
	if len(tenants) == 1 {
		return tenants[0].ID, nil
	}
	what := "there is more than one tenant"
	if len(tenants) == 0 {
		what = "there is no tenant yet"
	}
	return "", &messages.Failure{
		Code: messages.CodeInvalidRequest, What: what,
		Do: "name one with --tenant; parley tenant list shows them, and parley tenant create makes one",
	}
}

func joinIDs(tenants []messages.Tenant) string {
	return strings.Join(mapped(tenants, func(t messages.Tenant) string { return string(t.ID) }), ", ")
}

// printTable writes a header and rows, in columns.
func printTable(w io.Writer, header []string, rows int, row func(i int) []string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	lines := append(make([]string, 0, rows+1), strings.Join(header, "\t"))
	for i := range rows {
		lines = append(lines, strings.Join(row(i), "\t"))
	}
	if _, err := fmt.Fprintln(table, strings.Join(lines, "\n")); err != nil {
		return err
	}
	return table.Flush()
}

// showYes writes yes, or no.
func showYes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// showTime writes a moment in UTC, or otherwise for none.
func showTime(t time.Time, otherwise string) string {
	if t.IsZero() {
		return otherwise
	}
	return t.UTC().Format(time.DateTime)
}
