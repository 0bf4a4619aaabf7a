package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/user"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"example.com/parley/messages"
)

func auditCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "audit", Short: "Show what operators changed, the newest first", Args: cobra.NoArgs,
		Example: "  parley audit --tenant research\n  parley audit --action key.create --json\n  parley audit --limit 1000 --after 4711",
	}
	flags := addAdminFlags(c)
	asJSON := addJSONFlag(c)
	called := c.Flags().String("tenant", "", "only what is the `TENANT`'s, by id or name")
	var page messages.AuditPage
	c.Flags().StringVar(&page.Action, "action", "", "only this `ACTION`, such as tenant.change or key.create")
	c.Flags().StringVar(&page.Object, "subject", "", "only what was done to the thing with this `ID`")
	c.Flags().IntVar(&page.Limit, "limit", 50, "show `N` entries, at most 1000")
	c.Flags().Int64Var(&page.After, "after", 0, "go on behind the entry `ID`, the last of the page before")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			return showAudit(ctx, a, page, *called, *asJSON, c.OutOrStdout())
		})
	}
	return c
}

func showAudit(ctx context.Context, a administration, page messages.AuditPage, called string, asJSON bool, out io.Writer) (err error) {
	const most = 1000
	if page.Limit < 1 || page.Limit > most || page.After < 0 {
		return &messages.Failure{Code: messages.CodeInvalidRequest, What: "that is no page of the audit log", Do: "give a --limit from 1 to 1000, and an --after that is an entry's id"}
	}
	if called != "" {
		if page.Tenant, err = findTenant(ctx, a, called); err != nil {
			return err
		}
	}
	entries, more, err := a.AuditEntries(ctx, page)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(out, mapped(entries, jsonOfAudit))
	}
	if err := printAudit(out, entries); err != nil || !more {
		return err
	}
	_, err = fmt.Fprintf(out, "\nThere are more: --after %d\n", entries[len(entries)-1].ID)
	return err
}

func printAudit(w io.Writer, entries []messages.AuditEntry) error {
	header := []string{"ENTRY", "WHEN", "WHO", "FROM", "ACTION", "SUBJECT", "BEFORE", "AFTER"}
	return printTable(w, header, len(entries), func(i int) []string {
		e := entries[i]
		return []string{
			strconv.FormatInt(e.ID, 10), showTime(e.At, ""), string(e.Actor.Kind) + " " + dash(e.Actor.Name), dash(e.Actor.Address),
			e.Action, dash(e.Object), dash(e.Before), dash(e.After),
		}
	})
}

// auditJSON is an entry as the admin listener writes it.
type auditJSON struct {
	ID      string            `json:"id"`
	Object  string            `json:"object"`
	Created int64             `json:"created"` // seconds since 1970
	Actor   actorJSON         `json:"actor"`
	Action  string            `json:"action"`
	Subject string            `json:"subject"`
	Tenant  messages.TenantID `json:"tenant,omitempty"`
	Before  json.RawMessage   `json:"before"`
	After   json.RawMessage   `json:"after"`
}

type actorJSON struct {
	Kind    messages.ActorKind `json:"kind"`
	Name    string             `json:"name,omitempty"`
	Address string             `json:"address,omitempty"`
	Request string             `json:"request,omitempty"`
}

func jsonOfAudit(e messages.AuditEntry) auditJSON {
	return auditJSON{
		ID: strconv.FormatInt(e.ID, 10), Object: "audit.entry", Created: e.At.Unix(), Actor: actorJSON(e.Actor),
		Action: e.Action, Subject: e.Object, Tenant: e.Tenant, Before: rawState(e.Before), After: rawState(e.After),
	}
}

func rawState(text string) json.RawMessage {
	if text == "" {
		return json.RawMessage("null")
	}
	return json.RawMessage(text)
}

func (e auditJSON) entry() messages.AuditEntry {
	id, _ := strconv.ParseInt(e.ID, 10, 64) // what is no number is an entry of no server of ours
	return messages.AuditEntry{
		ID: id, At: time.Unix(e.Created, 0), Actor: messages.Actor(e.Actor), Action: e.Action, Object: e.Subject, Tenant: e.Tenant,
		Before: textOfState(e.Before), After: textOfState(e.After),
	}
}

func textOfState(raw json.RawMessage) string {
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}

// AuditEntries implements administration.
func (r *remote) AuditEntries(ctx context.Context, p messages.AuditPage) (found []messages.AuditEntry, more bool, err error) {
	query := url.Values{"limit": {strconv.Itoa(p.Limit)}}
	for name, value := range map[string]string{"tenant": string(p.Tenant), "action": p.Action, "subject": p.Object} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if p.After > 0 {
		query.Set("after", strconv.FormatInt(p.After, 10))
	}
	var list listJSON[auditJSON]
	err = r.do(ctx, http.MethodGet, "/admin/audit?"+query.Encode(), nil, &list)
	return mapped(list.Data, auditJSON.entry), list.HasMore, err
}

// atTheStore returns a context for what a person does at the store itself: the
// audit log names the account of the operating system.
func atTheStore(ctx context.Context) context.Context {
	by := messages.Actor{Kind: messages.ActorCommand}
	if account, err := user.Current(); err == nil {
		by.Name = account.Username
	}
	return messages.WithActor(ctx, by)
}
