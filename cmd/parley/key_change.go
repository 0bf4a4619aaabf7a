package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"example.com/parley/messages"
)

func keyChangeCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "change KEY", Short: "Change what a key, by its id, is and may", Args: cobra.ExactArgs(1),
		Example: "  parley key change 0123456789abcdef --scopes chat,usage --models 'gpt-*'\n  parley key change 0123456789abcdef --role read-only\n" +
			"  parley key change 0123456789abcdef --expires never --end-old",
	}
	flags := addAdminFlags(c)
	var want wantedKey
	allowance := want.addFlags(c)
	endOld := c.Flags().Bool("end-old", false, "end the secret from before the last rotation now")
	c.RunE = func(c *cobra.Command, arguments []string) error {
		change, err := want.change(c, time.Now())
		if err != nil {
			return err
		}
		change.EndOld = *endOld
		change.Models, change.Providers = allowance.changes()
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			changed, err := a.ChangeKey(ctx, keyID(arguments[0]), change)
			if err != nil {
				return err
			}
			return printKeys(c.OutOrStdout(), []messages.APIKey{changed}, time.Now())
		})
	}
	return c
}

// change is what the flags say, as far as they were given.
func (k *wantedKey) change(c *cobra.Command, now time.Time) (change messages.KeyChange, err error) {
	change.Name = given(c, "name", &k.name)
	if c.Flags().Changed("role") {
		change.Role = new(messages.KeyRole(k.role))
	}
	if c.Flags().Changed("class") {
		change.Class = new(messages.KeyClass(k.class))
	}
	if c.Flags().Changed("scopes") {
		scopes, err := messages.ParseScopes(k.scopes)
		if err != nil {
			return change, err
		}
		change.Scopes = &scopes
	}
	if c.Flags().Changed("expires") {
		expires, err := k.expiry(now)
		if err != nil {
			return change, err
		}
		change.Expires = &expires
	}
	return change, nil
}

func keyRotateCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "rotate KEY", Short: "Give a key, by its id, another secret and print it; the old one opens for a while", Args: cobra.ExactArgs(1),
		Example: "  parley key rotate 0123456789abcdef --overlap 72h\n  parley key rotate 0123456789abcdef --overlap 0s   # somebody else has it",
	}
	flags := addAdminFlags(c)
	overlap := c.Flags().Duration("overlap", 24*time.Hour, "for how `LONG` the old secret opens beside the new one, at most 90 days")
	c.RunE = func(c *cobra.Command, arguments []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			return rotateKey(ctx, a, keyID(arguments[0]), time.Now().Add(max(0, *overlap)), c.OutOrStdout(), c.ErrOrStderr())
		})
	}
	return c
}

func rotateKey(ctx context.Context, a administration, id messages.KeyID, oldExpires time.Time, out, remarks io.Writer) error {
	key, whole, err := a.RotateKey(ctx, id, oldExpires)
	if err != nil {
		return err
	}
	if isTerminal(out) {
		_, _ = fmt.Fprintf(remarks, "the key %s, which nobody can show you again; its old secret opens until %s:\n", key.ID, showTime(key.OldExpires, ""))
	}
	_, err = fmt.Fprintln(out, whole)
	return err
}
