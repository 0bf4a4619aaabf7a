package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"example.com/parley/cmd/parley/settings"
)

func configCommand(w world) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check and show the configuration", Args: cobra.NoArgs}
	c.AddCommand(configCheckCommand(w), configPrintCommand(w))
	return c
}

func configCheckCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "Say what is wrong with the configuration, or that nothing is", Args: cobra.NoArgs,
	}
	flags := addConfigFlags(c).addServeFlags()
	c.RunE = func(c *cobra.Command, _ []string) error {
		if _, _, err := flags.load(w); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), "the configuration is good")
		return err
	}
	return c
}

func configPrintCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "print", Short: "Print every value and where it comes from; secrets are hidden", Args: cobra.NoArgs,
	}
	flags := addConfigFlags(c).addServeFlags()
	c.RunE = func(c *cobra.Command, _ []string) error {
		_, loaded, err := flags.load(w)
		return errors.Join(err, printValues(c.OutOrStdout(), loaded.Values()))
	}
	return c
}

// printValues writes a line a key: its name, value and origin.
func printValues(w io.Writer, values []settings.Value) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range values {
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\n", v.Key, v.Text, v.Origin); err != nil {
			return err
		}
	}
	return table.Flush()
}
