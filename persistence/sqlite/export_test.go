package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
)

// MigrateBefore takes the schema of a file back to what it was before a migration,
// which the end of its name names, and carries statements out there.
func MigrateBefore(ctx context.Context, path, name string, statements ...string) error {
	db, err := connect(path, 1)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // everything is committed
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return err
	}
	for _, source := range provider.ListSources() {
		if !strings.HasSuffix(source.Path, name) {
			continue
		}
		if _, err := provider.DownTo(ctx, source.Version-1); err != nil {
			return err
		}
		for _, statement := range statements {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	}
	return errors.New("there is no migration " + name)
}
