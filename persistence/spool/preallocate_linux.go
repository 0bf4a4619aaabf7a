package spool

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// preallocate gives a new file all its blocks.
func preallocate(file *os.File, size int64) error {
	err := unix.Fallocate(int(file.Fd()), 0, 0, size) // #nosec G115 -- a file descriptor
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fill(file, size)
	}
	return err
}
