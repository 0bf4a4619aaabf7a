package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/parley/messages"
)

// allowanceFlags say what may be used.
type allowanceFlags struct {
	set               *pflag.FlagSet
	models, providers []string
}

func addAllowanceFlags(c *cobra.Command) *allowanceFlags {
	f := &allowanceFlags{set: c.Flags()}
	f.set.StringSliceVar(&f.models, "models", nil, "the `NAMES` of the models that may be asked for, or beginnings such as gpt-*, with commas between; none for all")
	f.set.StringSliceVar(&f.providers, "providers", nil, "the `NAMES` of the providers that may answer, with commas between; none for all")
	return f
}

func (f *allowanceFlags) allowance() messages.Allowance {
	return messages.Allowance{Models: f.models, Providers: f.providers}
}

// changes returns what was given, nil for what was not.
func (f *allowanceFlags) changes() (models, providers *[]string) {
	if f.set.Changed("models") {
		models = &f.models
	}
	if f.set.Changed("providers") {
		providers = &f.providers
	}
	return models, providers
}

func addMayRouteFlag(c *cobra.Command) *bool {
	return c.Flags().Bool("may-route", false, "let its requests say which providers answer them, with x-parley-route and x-parley-strategy")
}

func tenantChangeCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "change [TENANT]", Short: "Change what a tenant, by id or name, is and may", Args: cobra.MaximumNArgs(1),
		Example: "  parley tenant change research --may-route\n  parley tenant change research --models 'gpt-*,fast' --providers openai\n" +
			"  parley tenant change research --models ''   # all again\n  parley tenant change research --disabled",
	}
	flags := addAdminFlags(c)
	mayRoute, allowance := addMayRouteFlag(c), addAllowanceFlags(c)
	name := c.Flags().String("name", "", "call it `NAME` from now on")
	disabled := c.Flags().Bool("disabled", false, "let its keys open nothing, until --disabled=false")
	c.RunE = func(c *cobra.Command, arguments []string) error {
		change := messages.TenantChange{Name: given(c, "name", name), MayRoute: given(c, "may-route", mayRoute), Disabled: given(c, "disabled", disabled)}
		change.Models, change.Providers = allowance.changes()
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			id, err := findTenant(ctx, a, strings.Join(arguments, ""))
			if err != nil {
				return err
			}
			changed, err := a.ChangeTenant(ctx, id, change)
			if err != nil {
				return err
			}
			return printTenants(c.OutOrStdout(), []messages.Tenant{changed})
		})
	}
	return c
}

// given returns a flag's value; nil for one that was not given.
func given[T any](c *cobra.Command, flag string, value *T) *T {
	if !c.Flags().Changed(flag) {
		return nil
	}
	return value
}

func tenantDeleteCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "delete TENANT", Short: "End a tenant, by id or name: revoke its keys and erase its content; what it used stays in the ledger", Args: cobra.ExactArgs(1),
		Example: "  parley tenant delete research --yes",
	}
	flags := addAdminFlags(c)
	sure := c.Flags().Bool("yes", false, "really erase what cannot be brought back")
	c.RunE = func(c *cobra.Command, arguments []string) error {
		if !*sure {
			return &messages.Failure{
				Code: messages.CodeInvalidRequest, What: "this erases the tenant's conversations for good",
				Do: "say so with --yes, or let its keys open nothing with: parley tenant change " + arguments[0] + " --disabled",
			}
		}
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			id, err := findTenant(ctx, a, arguments[0])
			if err != nil {
				return err
			}
			receipt, err := a.DeleteTenant(ctx, id)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is deleted, %s\n", id, howErased(receipt))
			return err
		})
	}
	return c
}

func howErased(receipt messages.Erasure) string {
	if receipt.Done() {
		return "and its content erased; the receipt is " + receipt.ID
	}
	return "and a running server goes on to erase its content; ask how far it is with: parley erase --receipt " + receipt.ID
}
