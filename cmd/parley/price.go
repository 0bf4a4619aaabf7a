package main

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

func priceCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "price", Short: "List, set and remove what tokens cost", Args: cobra.NoArgs,
		Long: "List, set and remove what tokens cost. A price holds from a moment on, and counts for calls\nthat begin then or later: what was written down before stays as it is.",
	}
	c.AddCommand(priceListCommand(w), priceSetCommand(w), priceRemoveCommand(w))
	return c
}

func priceListCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "list [MODEL]", Short: "List the prices that calls go by, in dollars for a million tokens", Args: cobra.MaximumNArgs(1),
		Example: "  parley price list\n  parley price list gpt-5 --all",
	}
	flags := addAdminFlags(c)
	asJSON := addJSONFlag(c)
	all := c.Flags().Bool("all", false, "list those too that held once, or will")
	c.RunE = func(c *cobra.Command, arguments []string) error {
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			versions, err := a.Prices(ctx)
			if err != nil {
				return err
			}
			shown := somePrices(admin.ViewPrices(versions, time.Now()), strings.Join(arguments, ""), *all)
			if *asJSON {
				return printJSON(c.OutOrStdout(), shown)
			}
			return printPrices(c.OutOrStdout(), shown)
		})
	}
	return c
}

func somePrices(prices []admin.Price, model string, all bool) (some []admin.Price) {
	for i := range prices {
		if (model == "" || prices[i].Model == model) && (all || prices[i].InForce) {
			some = append(some, prices[i])
		}
	}
	return some
}

func printPrices(w io.Writer, prices []admin.Price) error {
	header := []string{"MODEL", "FROM", "INPUT", "CACHED", "CACHE WRITE", "OUTPUT", "ORIGIN", "SOURCE"}
	return printTable(w, header, len(prices), func(i int) []string {
		p := prices[i]
		numbers := []string{perMillion(p.Input), orAsInput(p.Cached, p.Input), orAsInput(p.CacheWrite, p.Input), perMillion(p.Output)}
		if p.Withdrawn {
			numbers = []string{"none", "-", "-", "-"}
		}
		return append(append([]string{p.Model, showTime(fromSeconds(p.From), "ever")}, numbers...), string(p.Origin), dash(p.Source))
	})
}

func orAsInput(price, input int64) string {
	if price == 0 {
		return perMillion(input)
	}
	return perMillion(price)
}

// picosPerMillion is a dollar for a million tokens, as prices are kept.
const picosPerMillion = 1_000_000

// perMillion writes pico-dollars a token as dollars for a million.
func perMillion(pico int64) string {
	return "$" + strconv.FormatFloat(float64(pico)/picosPerMillion, 'f', -1, 64)
}

// parsePerMillion reads dollars for a million tokens, exactly.
func parsePerMillion(flag, written string) (int64, error) {
	if written == "" {
		return 0, nil
	}
	dollars, ok := new(big.Rat).SetString(strings.TrimPrefix(written, "$"))
	if ok {
		if pico := dollars.Mul(dollars, big.NewRat(picosPerMillion, 1)); pico.IsInt() && pico.Num().IsInt64() {
			return pico.Num().Int64(), nil
		}
	}
	return 0, &messages.Failure{
		Code: messages.CodeInvalidRequest, What: fmt.Sprintf("--%s is %q", flag, written), Do: "give dollars for a million tokens, such as 1.25, with at most six decimals",
	}
}

func priceSetCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "set MODEL", Short: "Set what a model costs, in dollars for a million tokens", Args: cobra.ExactArgs(1),
		Example: "  parley price set gpt-5 --input 1 --cached 0.1 --output 8 --source 'our contract'\n" +
			"  parley price set gpt-5 --input 0.9 --output 7 --from 2030-01-31\n  parley price set 'local/*' --input 0 --output 0",
	}
	flags := addAdminFlags(c)
	var input, cached, cacheWrite, output, from, source string
	c.Flags().StringVar(&input, "input", "", "`DOLLARS` for a million tokens of input")
	c.Flags().StringVar(&cached, "cached", "", "`DOLLARS` for input that the provider had in its cache (default as input)")
	c.Flags().StringVar(&cacheWrite, "cache-write", "", "`DOLLARS` for input that it put there (default as input)")
	c.Flags().StringVar(&output, "output", "", "`DOLLARS` for a million tokens of output, reasoning included")
	c.Flags().StringVar(&from, "from", "", "`WHEN` it begins to hold: a day or a moment to come, or in 12h or 90d (default now, which takes some seconds)")
	c.Flags().StringVar(&source, "source", "", "`WHO` says so: an address, or a remark")
	_, _ = c.MarkFlagRequired("input"), c.MarkFlagRequired("output") // they are there
	c.RunE = func(c *cobra.Command, arguments []string) (err error) {
		v := messages.PriceVersion{Model: arguments[0], Source: source}
		for _, part := range []struct {
			flag, written string
			into          *int64
		}{{"input", input, &v.Input}, {"cached", cached, &v.Cached}, {"cache-write", cacheWrite, &v.CacheWrite}, {"output", output, &v.Output}} {
			if *part.into, err = parsePerMillion(part.flag, part.written); err != nil {
				return err
			}
		}
		if v.From, err = optionalMoment("from", from); err != nil {
			return err
		}
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			kept, err := a.SetPrice(ctx, v)
			if err != nil {
				return err
			}
			return printPrices(c.OutOrStdout(), []admin.Price{admin.ViewPrice(kept)})
		})
	}
	return c
}

func optionalMoment(flag, written string) (time.Time, error) {
	if written == "" {
		return time.Time{}, nil
	}
	return moment(flag, written, time.Now(), forward)
}

func priceRemoveCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "remove MODEL", Short: "End the price that was set for a model, or take one back that does not hold yet", Args: cobra.ExactArgs(1),
		Example: "  parley price remove gpt-5\n  parley price remove gpt-5 --from 2030-01-31",
	}
	flags := addAdminFlags(c)
	written := c.Flags().String("from", "", "take the one back that was to hold from `WHEN` on")
	c.RunE = func(c *cobra.Command, arguments []string) error {
		from, err := optionalMoment("from", *written)
		if err != nil {
			return err
		}
		return flags.do(c.Context(), w, func(ctx context.Context, a administration) error {
			gone, err := a.WithdrawPrice(ctx, arguments[0], from)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s has no price of its own from %s on\n", gone.Model, showTime(gone.From, "now"))
			return err
		})
	}
	return c
}
