package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// sharpen asks the kernel to wake this thread as exactly as it can.
func sharpen() {
	// It is a wish: without it a wake-up is 50 microseconds later.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
}

// sleepUntil blocks the thread until then, with the kernel's own timer.
func sleepUntil(then time.Time) {
	for {
		left := time.Until(then)
		if left <= 0 {
			return
		}
		wait := unix.NsecToTimespec(int64(left))
		// A signal ends it early, and the loop goes round once more.
		_ = unix.Nanosleep(&wait, nil)
	}
}
