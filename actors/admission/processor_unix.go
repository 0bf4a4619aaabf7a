//go:build unix

package admission

import (
	"syscall"
	"time"
)

// processorTime is what the process has used so far, its own and the system's for
// it.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0 // it takes no argument that could be wrong
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
