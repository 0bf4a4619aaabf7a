package main

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

func budgetCommand(w world) *cobra.Command {
	c := &cobra.Command{Use: "budget", Short: "Set, list and remove budgets", Args: cobra.NoArgs}
	c.AddCommand(budgetSetCommand(w), budgetListCommand(w), budgetRemoveCommand(w))
	return c
}

// wantedBudget is what the flags of `budget set` say.
type wantedBudget struct {
	tenant, key, period, limit, webhook, secret string
	soft                                        bool
	thresholds                                  []int
}

func budgetSetCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "set", Short: "Set what a tenant, or a key of it, may spend in a day, a month or altogether", Args: cobra.NoArgs,
		Example: "  parley budget set --tenant research --period month --limit 500\n" +
			"  parley budget set --key pk_1a2b --period day --limit 2.50 --soft --thresholds 80,100 --webhook https://example.com/hook",
	}
	flags := addAdminFlags(c)
	asJSON := addJSONFlag(c)
	var want wantedBudget
	c.Flags().StringVar(&want.tenant, "tenant", "", "the `TENANT`, by id or name; where there is one alone it needs no naming")
	c.Flags().StringVar(&want.key, "key", "", "only what is spent with this `KEY` of the tenant, by its id")
	c.Flags().StringVar(&want.period, "period", "month", "`PERIOD` after which it begins anew, in UTC: day, month or total, which never does")
	c.Flags().StringVar(&want.limit, "limit", "", "how many `DOLLARS`, such as 500 or 0.25")
	c.Flags().BoolVar(&want.soft, "soft", false, "refuse nothing, and tell of thresholds only")
	c.Flags().IntSliceVar(&want.thresholds, "thresholds", nil, "`PERCENTS` of the limit to tell of, such as 50,80,100")
	c.Flags().StringVar(&want.webhook, "webhook", "", "the `URL` that is told of them")
	c.Flags().StringVar(&want.secret, "webhook-secret", "", "sign what it is told with this `SECRET` (default one that is made, and shown this once)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			wanted, err := want.budget(ctx, a)
			if err != nil {
				return err
			}
			set, _, err := a.SetBudget(ctx, wanted)
			if err != nil {
				return err
			}
			return showBudget(c.OutOrStdout(), c.ErrOrStderr(), set, *asJSON)
		})
	}
	return c
}

func showBudget(out, remarks io.Writer, set messages.BudgetState, asJSON bool) error {
	if asJSON {
		return printIndented(out, jsonOfBudget(set))
	}
	if set.Secret != "" {
		_, _ = fmt.Fprintf(remarks, "calls of the webhook are signed with %s, which nobody can show you again\n", set.Secret)
	}
	return printBudgets(out, []messages.BudgetState{set})
}

func (b *wantedBudget) budget(ctx context.Context, a administration) (messages.Budget, error) {
	wanted := messages.Budget{
		Key: keyID(b.key), Period: messages.BudgetPeriod(b.period), Hard: !b.soft, Thresholds: b.thresholds, Webhook: b.webhook, Secret: b.secret,
	}
	var err error
	if wanted.Limit, err = parseDollars(b.limit); err != nil {
		return wanted, err
	}
	wanted.Tenant, err = findTenant(ctx, a, b.tenant)
	return wanted, err
}

// parseDollars reads an amount exactly.
func parseDollars(text string) (messages.NanoDollars, error) {
	amount, ok := new(big.Rat).SetString(strings.TrimPrefix(text, "$"))
	const longest = 40 // characters; an exponent could make a small text a large number
	if ok && len(text) <= longest && !strings.ContainsAny(text, "eEpPxX/_") {
		if nanos := amount.Mul(amount, big.NewRat(1e9, 1)); nanos.IsInt() && nanos.Num().IsInt64() && nanos.Sign() >= 0 {
			return messages.NanoDollars(nanos.Num().Int64()), nil
		}
	}
	return 0, &messages.Failure{
		Code: messages.CodeInvalidRequest, What: fmt.Sprintf("--limit is %.40q", text), Do: "give dollars with at most nine places, such as 500 or 0.25",
	}
}

func budgetListCommand(w world) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List budgets, with what is spent and left of them", Args: cobra.NoArgs}
	flags := addAdminFlags(c)
	asJSON := addJSONFlag(c)
	called := c.Flags().String("tenant", "", "only those of the `TENANT`, by id or name")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			var of messages.TenantID
			if *called != "" {
				var err error
				if of, err = findTenant(ctx, a, *called); err != nil {
					return err
				}
			}
			states, err := a.BudgetStates(ctx, of)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(c.OutOrStdout(), mapped(states, jsonOfBudget))
			}
			return printBudgets(c.OutOrStdout(), states)
		})
	}
	return c
}

func printBudgets(w io.Writer, states []messages.BudgetState) error {
	header := []string{"BUDGET", "TENANT", "KEY", "PERIOD", "KIND", "LIMIT", "SPENT", "LEFT", "RESERVED", "REACHED", "UNTIL"}
	return printTable(w, header, len(states), func(i int) []string {
		s := &states[i]
		kind := "soft"
		if s.Hard {
			kind = "hard"
		}
		return []string{
			string(s.ID), string(s.Tenant), dash(string(s.Key)), periodName(s), kind,
			dollars(s.Limit), dollars(s.Spent), dollars(s.Left()), dollars(s.Leased), percents(s.Reached), showTime(s.Ends, "-"),
		}
	})
}

// periodName is the period with which one of its kind it is.
func periodName(s *messages.BudgetState) string {
	switch s.Period {
	case messages.BudgetDay:
		return "day " + s.Begins.UTC().Format("2006-01-02")
	case messages.BudgetMonth:
		return "month " + s.Begins.UTC().Format("2006-01")
	default:
		return string(s.Period)
	}
}

func percents(all []int) string {
	texts := mapped(all, func(n int) string { return strconv.Itoa(n) + "%" })
	return dash(strings.Join(texts, " "))
}

func budgetRemoveCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "remove BUDGET", Short: "Forget a budget, by its id, with what was spent of it", Args: cobra.ExactArgs(1),
	}
	flags := addAdminFlags(c)
	c.RunE = func(c *cobra.Command, arguments []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			if err := a.DeleteBudget(ctx, messages.BudgetID(arguments[0])); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "%s is removed\n", arguments[0])
			return err
		})
	}
	return c
}

// budgetJSON is a budget as the admin listener writes it.
type budgetJSON parleyhttp.BudgetView

func jsonOfBudget(s messages.BudgetState) budgetJSON {
	view, _ := parleyhttp.ViewBudget(s)
	return budgetJSON(view)
}

func (b budgetJSON) state() messages.BudgetState {
	s := messages.BudgetState{
		Budget: messages.Budget{
			ID: b.ID, Tenant: b.Tenant, Period: b.Period, Limit: b.Limit, Hard: b.Hard, Thresholds: b.Thresholds, Webhook: b.Webhook, Secret: b.Secret,
			Created: fromSeconds(&b.Created),
		},
		Begins: fromSeconds(b.Begins), Ends: fromSeconds(b.Ends), Spent: b.Spent, Leased: b.Leased, Reached: b.Reached,
	}
	if b.Key != nil {
		s.Key = *b.Key
	}
	return s
}
