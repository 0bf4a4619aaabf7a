//go:build unix

package provider

import (
	"errors"
	"syscall"
)

const canPeek = true

// hasSomething peeks at a socket without waiting: there is something to read, or an
// end or an error to be told of.
func hasSomething(fd uintptr) bool {
	var one [1]byte
	_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return !errors.Is(err, syscall.EAGAIN)
}
