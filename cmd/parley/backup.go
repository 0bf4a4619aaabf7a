package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"example.com/parley/messages"
	"example.com/parley/persistence/sqlite"
)

func backupCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "backup PATH", Short: "Copy the SQLite database to PATH, while the server goes on", Args: cobra.ExactArgs(1),
		Long: "Copy the SQLite database to PATH, as of one moment. The server may run.\nPostgreSQL has tools of its own: see docs/operations.md.",
	}
	flags := addConfigFlags(c)
	c.RunE = func(c *cobra.Command, arguments []string) error {
		cfg, _, err := flags.load(w)
		if err != nil {
			return err
		}
		if err := onlySQLite(cfg, "backup"); err != nil {
			return err
		}
		if err := sqlite.Backup(c.Context(), cfg.Store.SQLite.Path, arguments[0]); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "copied %s to %s\n", cfg.Store.SQLite.Path, arguments[0])
		return err
	}
	return c
}

func restoreCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "restore PATH", Short: "Make the SQLite database that PATH is a backup of; no server may run", Args: cobra.ExactArgs(1),
	}
	flags := addConfigFlags(c)
	c.RunE = func(c *cobra.Command, arguments []string) error {
		cfg, _, err := flags.load(w)
		if err != nil {
			return err
		}
		if err := onlySQLite(cfg, "restore"); err != nil {
			return err
		}
		if err := restore(c.Context(), cfg, arguments[0]); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "restored %s from %s\n", cfg.Store.SQLite.Path, arguments[0])
		return err
	}
	return c
}

func restore(ctx context.Context, cfg *Config, backup string) error {
	release, err := folder(cfg.Data).take()
	if err != nil {
		return err
	}
	defer release()
	return sqlite.Restore(ctx, backup, cfg.Store.SQLite.Path)
}

// onlySQLite refuses a command that is for SQLite where the store is another.
func onlySQLite(cfg *Config, command string) error {
	if !cfg.Store.usesPostgres() {
		return nil
	}
	return &messages.Failure{
		Code: messages.CodeUnsupported, What: command + " is for SQLite, and the store is PostgreSQL",
		Do: "use pg_dump and pg_restore, or your provider's backups: see docs/operations.md",
	}
}
