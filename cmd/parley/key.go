package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/parley/messages"
)

func keyCommand(w world) *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "Make, change, rotate, list and revoke keys", Args: cobra.NoArgs}
	c.AddCommand(keyCreateCommand(w), keyChangeCommand(w), keyRotateCommand(w), keyListCommand(w), keyRevokeCommand(w))
	return c
}

// wantedKey is what the flags of `key create` and `key change` say.
type wantedKey struct {
	tenant, name, expires, role, class string
	scopes                             []string
	admin                              bool
}

// addFlags adds those that both commands have.
func (k *wantedKey) addFlags(c *cobra.Command) *allowanceFlags {
	c.Flags().StringVar(&k.name, "name", "", "a `NAME` for people to know it by")
	c.Flags().StringVar(&k.expires, "expires", "", "`WHEN` it ends: after 90d or 12h, at 2030-01-31 or 2030-01-31T12:00:00Z, or never")
	c.Flags().StringVar(&k.role, "role", string(messages.KeyMember), "member, or read-only for a key that starts no turn and changes nothing")
	c.Flags().StringSliceVar(&k.scopes, "scopes", nil, "the `PARTS` of the API that it opens, with commas between: chat, responses, conversations, embeddings, cache, usage; none for all")
	c.Flags().StringVar(&k.class, "class", "", "the `CLASS` of its turns, where a request names none: interactive, standard or batch")
	return addAllowanceFlags(c)
}

// expiry is when the key ends; the zero time for never.
func (k *wantedKey) expiry(now time.Time) (time.Time, error) {
	if k.expires == "" || k.expires == "never" {
		return time.Time{}, nil
	}
	return moment("expires", k.expires, now, forward)
}

func keyCreateCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "create", Short: "Make a key and print it; it is shown this once", Args: cobra.NoArgs,
		Example: "  parley key create --tenant research --expires 90d\n" +
			"  parley key create --tenant research --scopes chat --models 'gpt-*'\n" +
			"  export OPENAI_API_KEY=$(parley key create)",
	}
	flags := addAdminFlags(c)
	flags.creates = true
	var want wantedKey
	c.Flags().StringVar(&want.tenant, "tenant", "", "the `TENANT` whose key it is, by id or name; where there is one alone it needs no naming")
	allowance := want.addFlags(c)
	c.Flags().BoolVar(&want.admin, "admin", false, "make an admin key, which opens the admin listener and no tenant's data")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			return createKey(ctx, a, want, allowance.allowance(), c.OutOrStdout(), c.ErrOrStderr())
		})
	}
	return c
}

// createKey prints the key alone to out, so that a script can take it from
// there, and what a person wants to know to remarks.
func createKey(ctx context.Context, a administration, want wantedKey, may messages.Allowance, out, remarks io.Writer) error {
	wanted, err := want.key(ctx, a)
	if err != nil {
		return err
	}
	wanted.Allowance = may
	key, whole, err := a.CreateKey(ctx, wanted)
	if err != nil {
		return err
	}
	if isTerminal(out) {
		_, _ = fmt.Fprintf(remarks, "the key %s, which nobody can show you again:\n", key.ID)
	}
	_, err = fmt.Fprintln(out, whole)
	return err
}

func (k wantedKey) key(ctx context.Context, a administration) (key messages.APIKey, err error) {
	key = messages.APIKey{Role: messages.KeyRole(k.role), Name: k.name, Class: messages.KeyClass(k.class)}
	if key.Expires, err = k.expiry(time.Now()); err != nil {
		return key, err
	}
	if key.Scopes, err = messages.ParseScopes(k.scopes); err != nil {
		return key, err
	}
	if k.admin {
		key.Role = messages.KeyAdmin
		key.Tenant = messages.TenantID(k.tenant) // refused where it names one
		return key, nil
	}
	key.Tenant, err = findTenant(ctx, a, k.tenant)
	return key, err
}

func keyListCommand(w world) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List keys, without their secrets", Args: cobra.NoArgs}
	flags := addAdminFlags(c)
	asJSON := addJSONFlag(c)
	called := c.Flags().String("tenant", "", "only those of the `TENANT`, by id or name")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			keys, err := keysOf(ctx, a, *called)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(c.OutOrStdout(), mapped(keys, jsonOfKey))
			}
			return printKeys(c.OutOrStdout(), keys, time.Now())
		})
	}
	return c
}

// keysOf lists a tenant's keys, or where none is named the admin keys and those
// of every tenant.
func keysOf(ctx context.Context, a administration, called string) ([]messages.APIKey, error) {
	if called != "" {
		of, err := findTenant(ctx, a, called)
		if err != nil {
			return nil, err
		}
		return a.Keys(ctx, of)
	}
	all, err := a.Keys(ctx, "")
	if err != nil {
		return nil, err
	}
	tenants, err := a.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range tenants {
		keys, err := a.Keys(ctx, t.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, keys...)
	}
	return all, nil
}

func printKeys(w io.Writer, keys []messages.APIKey, now time.Time) error {
	header := []string{"KEY", "TENANT", "ROLE", "NAME", "CREATED", "EXPIRES", "USED", "STATE", "CLASS", "SCOPES", "MODELS", "PROVIDERS"}
	return printTable(w, header, len(keys), func(i int) []string {
		k := keys[i]
		return []string{
			string(k.ID), dash(string(k.Tenant)), string(k.Role), dash(k.Name),
			showTime(k.Created, "-"), showTime(k.Expires, "never"), showTime(k.Used, "never"), keyState(k, now), k.Class.Priority().String(),
			showList(k.Scopes.Names()), showList(k.Allowance.Models), showList(k.Allowance.Providers),
		}
	})
}

func keyState(k messages.APIKey, now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked " + showTime(k.Revoked, "")
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return "expired"
	case now.Before(k.OldExpires):
		return "good, the old secret until " + showTime(k.OldExpires, "")
	default:
		return "good"
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func keyRevokeCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "revoke KEY", Short: "End a key, by its id; servers refuse it within 5 seconds", Args: cobra.ExactArgs(1),
	}
	flags := addAdminFlags(c)
	c.RunE = func(c *cobra.Command, arguments []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			id := keyID(arguments[0])
			if err := a.RevokeKey(ctx, id); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "%s is revoked\n", id)
			return err
		})
	}
	return c
}

// keyID takes a key's id out of whatever of the key somebody has at hand:
// the id, pk_<id>, or the whole.
func keyID(given string) messages.KeyID {
	rest, _ := strings.CutPrefix(given, "pk_")
	id, _, _ := strings.Cut(rest, "_")
	return messages.KeyID(id)
}
