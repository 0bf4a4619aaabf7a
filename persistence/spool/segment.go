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

// segmentBytes is when a new file is begun: small enough to be given back soon,
// large enough that files come and go rarely.
const segmentBytes = 4 << 20

const segmentSuffix = ".spool"

// segment is one file. It is removed when nothing in it is needed any more.
type segment struct {
	path string
	file *os.File
	size int64
	live int // reservations that have not ended, and rows that are not in the store
}

func createSegment(folder string, number uint64) (*segment, error) {
	path := filepath.Join(folder, fmt.Sprintf("%020d%s", number, segmentSuffix))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600) // #nosec G304 -- in our own folder
	if err != nil {
		return nil, fmt.Errorf("begin a file of the ledger's queue: %w", err)
	}
	return &segment{path: path, file: file}, nil
}

// replayed is what earlier processes left in the queue.
type replayed struct {
	paths   []string
	rows    []messages.UsageRow
	last    uint64 // the highest number in use
	damaged []string
}

// replay reads the folder. Rows may be in the store already: writing them again
// changes nothing. A reservation without a row was in flight when its process
// died.
func replay(folder string, interrupted func(messages.UsageRow) messages.UsageRow) (found replayed, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return found, fmt.Errorf("read the ledger's queue: %w", err)
	}
	flying := make(map[attempt]messages.UsageRow)
	for _, entry := range entries { // in the order of their numbers
		if !strings.HasSuffix(entry.Name(), segmentSuffix) {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		found.paths = append(found.paths, path)
		_, _ = fmt.Sscanf(entry.Name(), "%d", &found.last) // a name of another form counts for nothing
		if err := found.read(path, flying); err != nil {
			return found, err
		}
	}
	for _, row := range flying {
		found.rows = append(found.rows, interrupted(row))
	}
	return found, nil
}

func (found *replayed) read(path string, flying map[attempt]messages.UsageRow) error {
	file, err := os.Open(path) // #nosec G304 -- in our own folder
	if err != nil {
		return fmt.Errorf("read the ledger's queue: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	err = readRecords(file, func(k kind, row messages.UsageRow) {
		switch k {
		case reserved:
			flying[attemptOf(&row)] = row
		case settled:
			delete(flying, attemptOf(&row))
			found.rows = append(found.rows, row)
		}
	})
	if errors.Is(err, errDamaged) {
		found.damaged = append(found.damaged, path)
		return nil
	}
	return err
}
