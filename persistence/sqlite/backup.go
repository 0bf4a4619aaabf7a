package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"example.com/parley/messages"
)

// Backup writes a copy of the whole database, as of one moment. Another process
// may have the database open meanwhile, and write. path must not exist. The copy
// is on the disk when Backup returns, and has no name when it fails.
func Backup(ctx context.Context, database, path string) (err error) {
	if _, err := os.Stat(database); err != nil {
		return fmt.Errorf("back up %s: %w", database, err)
	}
	copied, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the operator's own path
	if err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(path) // the first error is the one to tell
		}
	}()
	if err := vacuumInto(ctx, database, path); err != nil {
		return errors.Join(fmt.Errorf("back up to %s: %w", path, err), copied.Close())
	}
	return errors.Join(copied.Sync(), copied.Close(), syncFolder(filepath.Dir(path)))
}

// vacuumInto copies into a file that is empty.
func vacuumInto(ctx context.Context, database, path string) error {
	db, err := connect(database, 1, "synchronous(FULL)") // the readers of a store cannot write
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // the copy is checked when it is restored
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}

// Restore puts a backup in the place of a database that does not exist yet, once
// it has found the backup whole.
func Restore(ctx context.Context, backup, path string) error {
	if err := check(ctx, backup); err != nil {
		return fmt.Errorf("restore from %s: %w", backup, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("restore to %s: %w", path, err)
	}
	lock, err := acquire(path + ".lock")
	if err != nil {
		return err
	}
	defer lock.release()
	if err := nothingAt(path); err != nil {
		return err
	}
	if err := copyFile(backup, path); err != nil {
		return fmt.Errorf("restore to %s: %w", path, err)
	}
	return syncFolder(filepath.Dir(path))
}

// nothingAt refuses the place of a database, and that of one whose log was left
// behind: SQLite would play it into what is restored.
func nothingAt(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if _, err := os.Stat(path + suffix); err == nil {
			return &messages.Failure{
				Code: messages.CodeInvalidRequest, What: "there is a database at " + path + suffix + " already",
				Do: "move " + path + ", " + path + "-wal and " + path + "-shm away together: a restore overwrites nothing",
			}
		}
	}
	return nil
}

// check opens a backup read-only and lets SQLite look at every page.
func check(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", address(path)+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // only read
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("it is damaged: %s", verdict)
	}
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name IN ('conversations', 'items', 'turns')").Scan(&tables); err != nil {
		return err
	}
	if tables != 3 {
		return fmt.Errorf("it is not a database of this server")
	}
	return nil
}

// copyFile makes the copy durable before it has its name.
func copyFile(from, to string) (err error) {
	source, err := os.Open(from) // #nosec G304 -- the operator's own path
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // only read
	part := to + ".part"
	target, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // #nosec G304 -- as above
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		_ = target.Close()
		return err
	}
	if err := target.Sync(); err != nil {
		_ = target.Close()
		return err
	}
	if err := target.Close(); err != nil {
		return err
	}
	return os.Rename(part, to)
}

func syncFolder(path string) error {
	folder, err := os.Open(path) // #nosec G304 -- the operator's own path
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
