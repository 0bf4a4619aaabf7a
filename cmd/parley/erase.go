package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

// wantedErasure is what the flags of `erase` say.
type wantedErasure struct {
	tenant, user, receipt string
	all, list, json       bool
}

func eraseCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "erase", Short: "Take the content of a user or a tenant away for good, and print the receipt", Args: cobra.NoArgs,
		Long: "Take the content of a user or a tenant away for good, and print the receipt: conversations, turns,\n" +
			"items, and replies in the cache and for idempotency keys. What was used and what it cost stays, without content.",
		Example: "  parley erase --tenant research --user user-4711\n  parley erase --tenant research --all\n" +
			"  parley erase --receipt erasure_0123...\n  parley erase --list --tenant research",
	}
	flags := addAdminFlags(c)
	var want wantedErasure
	c.Flags().StringVar(&want.tenant, "tenant", "", "whose content, by the `TENANT`'s id or name")
	c.Flags().StringVar(&want.user, "user", "", "only what the `USER` said and was told, as requests have it in safety_identifier or user")
	c.Flags().BoolVar(&want.all, "all", false, "all that the tenant has")
	c.Flags().StringVar(&want.receipt, "receipt", "", "erase nothing, and show the receipt `ID`")
	c.Flags().BoolVar(&want.list, "list", false, "erase nothing, and list the receipts")
	c.Flags().BoolVar(&want.json, "json", false, "print JSON, as the admin listener writes it")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			receipts, err := want.carryOut(ctx, a)
			if err != nil {
				return err
			}
			if want.json {
				return printJSON(c.OutOrStdout(), mapped(receipts, admin.ViewErasure))
			}
			return printErasures(c.OutOrStdout(), receipts)
		})
	}
	return c
}

// carryOut erases what is wanted, or finds the receipts.
func (e *wantedErasure) carryOut(ctx context.Context, a administration) (receipts []messages.Erasure, err error) {
	if e.receipt != "" {
		found, err := a.Erasure(ctx, e.receipt)
		return []messages.Erasure{found}, err
	}
	var of messages.TenantID
	if e.tenant != "" || !e.list {
		if of, err = findTenant(ctx, a, e.tenant); err != nil {
			return nil, err
		}
	}
	if e.list {
		return a.Erasures(ctx, of)
	}
	if (e.user != "") == e.all {
		return nil, &messages.Failure{Code: messages.CodeInvalidRequest, What: "it is not clear whose content is to go", Do: "give --user, or --all for all that the tenant has"}
	}
	done, err := a.Erase(ctx, of, e.user)
	return []messages.Erasure{done}, err
}

func printErasures(w io.Writer, receipts []messages.Erasure) error {
	header := []string{"RECEIPT", "TENANT", "USER SHA-256", "REQUESTED", "COMPLETED", "CONVERSATIONS", "TURNS", "ITEMS", "REPLIES"}
	return printTable(w, header, len(receipts), func(i int) []string {
		e := receipts[i]
		number := func(n int64) string { return strconv.FormatInt(n, 10) }
		return []string{
			e.ID, string(e.Tenant), dash(e.UserHash), showTime(e.Requested, ""), showTime(e.Ended, "goes on"),
			number(e.Conversations), number(e.Turns), number(e.Items), number(e.Replies),
		}
	})
}

// Erase implements administration.
func (r *remote) Erase(ctx context.Context, tenant messages.TenantID, user string) (messages.Erasure, error) {
	body := map[string]any{"tenant": tenant, "all": user == ""}
	if user != "" {
		body["user"] = user
	}
	var made admin.Erasure
	err := r.do(ctx, http.MethodPost, "/admin/erasures", body, &made)
	return erasureOf(made), err
}

// Erasure implements administration.
func (r *remote) Erasure(ctx context.Context, id string) (messages.Erasure, error) {
	var found admin.Erasure
	err := r.do(ctx, http.MethodGet, "/admin/erasures/"+url.PathEscape(id), nil, &found)
	return erasureOf(found), err
}

// Erasures implements administration.
func (r *remote) Erasures(ctx context.Context, tenant messages.TenantID) ([]messages.Erasure, error) {
	var list listJSON[admin.Erasure]
	err := r.do(ctx, http.MethodGet, "/admin/erasures?"+url.Values{"tenant": {string(tenant)}}.Encode(), nil, &list)
	return mapped(list.Data, erasureOf), err
}

// erasureOf reads a receipt as the admin listener writes it.
func erasureOf(e admin.Erasure) messages.Erasure {
	return messages.Erasure{
		ID: e.ID, Tenant: e.Tenant, UserHash: e.UserHash, Requested: fromSeconds(&e.Requested), Ended: fromSeconds(e.Completed),
		Conversations: e.Erased.Conversations, Turns: e.Erased.Turns, Items: e.Erased.Items, Replies: e.Erased.Replies,
	}
}

func tenantRetentionCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "retention [TENANT]", Short: "Show or set for how many days a tenant's content and ledger are kept", Args: cobra.MaximumNArgs(1),
		Example: "  parley tenant retention research --content-days 30 --ledger-days 400\n  parley tenant retention research",
	}
	flags := addAdminFlags(c)
	content := c.Flags().String("content-days", "", "keep conversations for `DAYS`; 0 for ever, default for what the configuration says")
	ledger := c.Flags().String("ledger-days", "", "keep usage rows for `DAYS`; 0 for ever, default for what the configuration says")
	c.RunE = func(c *cobra.Command, arguments []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			called := ""
			if len(arguments) > 0 {
				called = arguments[0]
			}
			id, err := findTenant(ctx, a, called)
			if err != nil {
				return err
			}
			r, err := a.Retention(ctx, id)
			if err == nil && *content+*ledger != "" {
				err = changeRetention(ctx, a, &r, *content, *ledger)
			}
			if err != nil {
				return err
			}
			return printTable(c.OutOrStdout(), []string{"TENANT", "CONTENT DAYS", "LEDGER DAYS"}, 1, func(int) []string {
				return []string{string(r.Tenant), showDays(r.ContentDays), showDays(r.LedgerDays)}
			})
		})
	}
	return c
}

func changeRetention(ctx context.Context, a administration, r *messages.Retention, content, ledger string) (err error) {
	if r.ContentDays, err = parseDays("content-days", content, r.ContentDays); err != nil {
		return err
	}
	if r.LedgerDays, err = parseDays("ledger-days", ledger, r.LedgerDays); err != nil {
		return err
	}
	return a.SetRetention(ctx, *r)
}

func parseDays(flag, written string, otherwise *int) (*int, error) {
	switch written {
	case "":
		return otherwise, nil
	case "default":
		return nil, nil
	}
	days, err := strconv.Atoi(written)
	if err != nil {
		return nil, &messages.Failure{Code: messages.CodeInvalidRequest, What: fmt.Sprintf("--%s is %q", flag, written), Do: "give a number of days, 0 for ever, or default"}
	}
	return &days, nil
}

func showDays(days *int) string {
	switch {
	case days == nil:
		return "default"
	case *days == 0:
		return "for ever"
	default:
		return strconv.Itoa(*days)
	}
}

// Retention implements administration.
func (r *remote) Retention(ctx context.Context, tenant messages.TenantID) (messages.Retention, error) {
	var found admin.Retention
	err := r.do(ctx, http.MethodGet, "/admin/tenants/"+url.PathEscape(string(tenant))+"/retention", nil, &found)
	return messages.Retention{Tenant: found.Tenant, ContentDays: found.ContentDays, LedgerDays: found.LedgerDays}, err
}

// SetRetention implements administration.
func (r *remote) SetRetention(ctx context.Context, want messages.Retention) error {
	body := map[string]*int{"content_days": want.ContentDays, "ledger_days": want.LedgerDays}
	return r.do(ctx, http.MethodPut, "/admin/tenants/"+url.PathEscape(string(want.Tenant))+"/retention", body, nil)
}
