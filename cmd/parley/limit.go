package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

func limitCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "limit", Short: "Set, show and clear limits of tenants, keys and models", Args: cobra.NoArgs,
		Long: "Set, show and clear limits of tenants, keys and models of tenants. They come before those of\n" +
			"the section limits of the configuration, and hold on every server within 5 seconds.",
	}
	c.AddCommand(limitSetCommand(w), limitShowCommand(w), limitClearCommand(w))
	return c
}

// wantedHolder is whose limits the flags mean.
type wantedHolder struct{ tenant, key, model string }

func (h *wantedHolder) addFlags(c *cobra.Command) {
	c.Flags().StringVar(&h.tenant, "tenant", "", "the `TENANT`, by id or name; where there is one alone it needs no naming")
	c.Flags().StringVar(&h.key, "key", "", "the limits of this `KEY` alone, by its id")
	c.Flags().StringVar(&h.model, "model", "", "the limits of this `MODEL` for the tenant, as clients name it")
	c.MarkFlagsMutuallyExclusive("key", "model")
	c.MarkFlagsMutuallyExclusive("key", "tenant")
}

func (h *wantedHolder) holder(ctx context.Context, a administration) (of messages.LimitHolder, err error) {
	if h.key != "" {
		return messages.LimitHolder{Scope: messages.LimitKey, Name: string(keyID(h.key))}, nil
	}
	of = messages.LimitHolder{Scope: messages.LimitTenant}
	if h.model != "" {
		of.Scope, of.Name = messages.LimitModel, h.model
	}
	of.Tenant, err = findTenant(ctx, a, h.tenant)
	return of, err
}

// limitFlags are the flags of `limit set`, by the limit that each sets.
type limitFlags map[string]*string

func addLimitFlags(c *cobra.Command) limitFlags {
	flags := make(limitFlags)
	for _, f := range [][2]string{
		{"requests", "`N` requests a minute, also those that the cache answers"},
		{"tokens", "`N` tokens a minute, of input and output together"},
		{"concurrent", "`N` requests at the same time"},
		{"connections", "`N` WebSocket connections at the same time"},
		{"messages", "`N` messages a minute over WebSocket"},
		{"weight", "`N` parts of the places while tenants compete for them; a tenant's alone"},
	} {
		flags[f[0]] = c.Flags().String(f[0], "", f[1])
	}
	return flags
}

// apply changes what was given. The words are none for no limit, and default for
// what the configuration says.
func (f limitFlags) apply(c *cobra.Command, b *admin.Bounds) error {
	for name, field := range map[string]**int64{
		"requests": &b.Requests, "tokens": &b.Tokens, "concurrent": &b.Turns, "connections": &b.Connections, "messages": &b.Messages,
	} {
		if !c.Flags().Changed(name) {
			continue
		}
		n, err := parseBound(name, *f[name])
		if err != nil {
			return err
		}
		*field = n
	}
	if !c.Flags().Changed("weight") {
		return nil
	}
	n, err := parseBound("weight", *f["weight"])
	switch {
	case err != nil:
		return err
	case n == nil:
		b.Weight = nil
	default:
		b.Weight = new(int(*n))
	}
	return nil
}

// parseBound reads a limit as it is on the wire.
func parseBound(flag, text string) (*int64, error) {
	switch text {
	case "default":
		return nil, nil //nolint:nilnil // null on the wire
	case "none":
		return new(int64), nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return nil, &messages.Failure{
			Code: messages.CodeInvalidRequest, What: fmt.Sprintf("--%s is %.40q", flag, text), Do: "give a number above 0, none for no limit, or default for what the configuration says",
		}
	}
	return &n, nil
}

func limitSetCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "set", Short: "Set how much a tenant, a key or a model may be used", Args: cobra.NoArgs,
		Long: "Set how much a tenant, a key or a model of a tenant may be used. What is not given stays as it is;\n" +
			"none is no limit, default what the configuration says.",
		Example: "  parley limit set --tenant research --requests 600 --tokens 200000\n  parley limit set --key 0123456789abcdef --concurrent 4 --requests none\n" +
			"  parley limit set --tenant research --model openai/gpt-5 --tokens 50000",
	}
	flags := addAdminFlags(c)
	asJSON := addJSONFlag(c)
	var whose wantedHolder
	whose.addFlags(c)
	set := addLimitFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			of, err := whose.holder(ctx, a)
			if err != nil {
				return err
			}
			before, err := a.Limit(ctx, of)
			if err != nil {
				return err
			}
			bounds := admin.BoundsOf(before.Limit)
			if err := set.apply(c, &bounds); err != nil {
				return err
			}
			after, err := a.SetLimit(ctx, bounds.Limits(of))
			if err != nil {
				return err
			}
			return showLimits(c.OutOrStdout(), []messages.LimitState{after}, *asJSON)
		})
	}
	return c
}

func limitShowCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "show", Short: "Show what holds for a tenant, a key or a model, or list all that is set", Args: cobra.NoArgs,
		Example: "  parley limit show\n  parley limit show --tenant research\n  parley limit show --key 0123456789abcdef",
	}
	flags := addAdminFlags(c)
	asJSON := addJSONFlag(c)
	var whose wantedHolder
	whose.addFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			shown, err := whose.shown(ctx, a)
			if err != nil {
				return err
			}
			return showLimits(c.OutOrStdout(), shown, *asJSON)
		})
	}
	return c
}

// shown are the limits of whom the flags name, with those of a tenant's keys and
// models that have some; all where they name nobody.
func (h *wantedHolder) shown(ctx context.Context, a administration) ([]messages.LimitState, error) {
	if *h == (wantedHolder{}) {
		return a.Limits(ctx, "")
	}
	of, err := h.holder(ctx, a)
	if err != nil {
		return nil, err
	}
	own, err := a.Limit(ctx, of)
	if err != nil || of.Scope != messages.LimitTenant {
		return []messages.LimitState{own}, err
	}
	all, err := a.Limits(ctx, of.Tenant)
	shown := []messages.LimitState{own}
	for i := range all {
		if all[i].Scope != messages.LimitTenant {
			shown = append(shown, all[i])
		}
	}
	return shown, err
}

func limitClearCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "clear", Short: "Have a tenant, a key or a model be limited as the configuration says", Args: cobra.NoArgs,
		Example: "  parley limit clear --tenant research\n  parley limit clear --key 0123456789abcdef",
	}
	flags := addAdminFlags(c)
	asJSON := addJSONFlag(c)
	var whose wantedHolder
	whose.addFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			of, err := whose.holder(ctx, a)
			if err != nil {
				return err
			}
			after, err := a.ClearLimit(ctx, of)
			if err != nil {
				return err
			}
			return showLimits(c.OutOrStdout(), []messages.LimitState{after}, *asJSON)
		})
	}
	return c
}

// showLimits prints what holds, with a star at what an operator set.
func showLimits(w io.Writer, all []messages.LimitState, asJSON bool) error {
	if asJSON {
		return printJSON(w, mapped(all, admin.ViewLimit))
	}
	header := []string{"TENANT", "SCOPE", "NAME", "REQUESTS/MIN", "TOKENS/MIN", "CONCURRENT", "CONNECTIONS", "MESSAGES/MIN", "WEIGHT"}
	return printTable(w, header, len(all), func(i int) []string {
		l := &all[i]
		weight := "-"
		if l.Weighs > 0 {
			weight = starred(strconv.Itoa(l.Weighs), l.Weight != 0)
		}
		return []string{
			string(l.Tenant), string(l.Scope), dash(l.Name), showLimit(l.InForce.Requests, l.Limits.Requests), showLimit(l.InForce.Tokens, l.Limits.Tokens),
			showLimit(l.InForce.Turns, l.Limits.Turns), showLimit(l.InForce.Connections, l.Limits.Connections), showLimit(l.InForce.Messages, l.Limits.Messages), weight,
		}
	})
}

func showLimit(inForce, set int64) string {
	if inForce == 0 {
		return starred("none", set != 0)
	}
	return starred(strconv.FormatInt(inForce, 10), set != 0)
}

func starred(text string, set bool) string {
	if set {
		return text + "*"
	}
	return text
}
