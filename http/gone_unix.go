//go:build unix

package http

import (
	"errors"
	"syscall"
)

// endOfStream peeks at a socket without waiting.
func endOfStream(fd uintptr) bool {
	var one [1]byte
	n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch {
	case err == nil:
		return n == 0
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		return false
	default:
		return true
	}
}
