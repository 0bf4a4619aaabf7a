package sqlite

import (
	"fmt"
	"os"
	"syscall"

	"example.com/parley/messages"
)

// lock keeps other processes out of a database. The kernel lets it go when the
// process ends, however it ends.
type lock struct{ file *os.File }

func acquire(path string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- the operator's own path
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data folder: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { // #nosec G115 -- a file descriptor
		_ = file.Close()
		return nil, &messages.Failure{
			Code: messages.CodeStoreUnavailable, What: "another process has the database open (" + path + " is locked)",
			Do: "stop the other server, or give this one a data folder of its own with --data", Cause: err,
		}
	}
	return &lock{file: file}, nil
}

func (l *lock) release() {
	_ = l.file.Close() // closing unlocks; a read-only error would say nothing more
}
