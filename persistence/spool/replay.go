package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"example.com/parley/messages"
)

// replayed is what earlier processes left in the queue.
type replayed struct {
	paths   []string
	last    uint64 // the highest number in use
	damaged []string
	flying  map[attempt]messages.UsageRow // reservations without a row
}

// replay reads the folder, and gives the rows in it to take, some at a time. They
// may be in the store already: writing them again changes nothing. A reservation
// without a row was in flight when its process died.
func replay(folder string, take func([]messages.UsageRow) error) (found replayed, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return found, fmt.Errorf("read the ledger's queue: %w", err)
	}
	found.flying = make(map[attempt]messages.UsageRow)
	for _, entry := range entries { // in the order of their numbers
		if !strings.HasSuffix(entry.Name(), segmentSuffix) {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		found.paths = append(found.paths, path)
		_, _ = fmt.Sscanf(entry.Name(), "%d", &found.last) // a name of another form counts for nothing
		rows, err := found.read(path)
		if err == nil {
			err = inBatches(rows, take)
		}
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

// read returns a file's rows.
func (found *replayed) read(path string) (rows []messages.UsageRow, err error) {
	err = readFile(path, func(k kind, row messages.UsageRow) {
		switch k {
		case reserved:
			found.flying[attemptOf(&row)] = row
		case settled:
			delete(found.flying, attemptOf(&row))
			rows = append(rows, row)
		}
	})
	if errors.Is(err, errDamaged) {
		found.damaged = append(found.damaged, path)
		err = nil
	}
	return rows, err
}

func readFile(path string, take func(kind, messages.UsageRow)) error {
	file, err := os.Open(path) // #nosec G304 -- in our own folder
	if err != nil {
		return fmt.Errorf("read the ledger's queue: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	return readRecords(file, take)
}

// inBatches gives rows to take, as many at a time as one write to the store
// carries.
func inBatches(rows []messages.UsageRow, take func([]messages.UsageRow) error) error {
	for len(rows) > 0 {
		n := min(len(rows), maxBatch)
		if err := take(rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
