//go:build !linux

package spool

import "os"

// preallocate gives a new file all its blocks.
func preallocate(file *os.File, size int64) error { return fill(file, size) }
