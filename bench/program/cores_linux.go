package program

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Cores returns the numbers of the cores that this process may run on.
func Cores() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil
	}
	var cores []int
	for core := range len(set) * 64 {
		if set.IsSet(core) {
			cores = append(cores, core)
		}
	}
	return cores
}

func setOf(cores []int) *unix.CPUSet {
	var set unix.CPUSet
	for _, core := range cores {
		set.Set(core)
	}
	return &set
}

// PinSelf keeps this process, with all its threads, to cores.
func PinSelf(cores []int) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("find this process's threads: %w", err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return fmt.Errorf("read a thread's id: %w", err)
		}
		// One that has ended since needs no pin; one that has begun took it over.
		if err := unix.SchedSetaffinity(id, setOf(cores)); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("pin this process to the cores %v: %w", cores, err)
		}
	}
	return nil
}

// startOn starts a command on cores. A process inherits those of the thread
// that starts it, and so sees them before its runtime counts its processors.
func startOn(cores []int, command *exec.Cmd) error {
	runtime.LockOSThread() // also for Pdeathsig, which goes by thread
	defer runtime.UnlockOSThread()
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if len(cores) > 0 {
		var before unix.CPUSet
		if err := unix.SchedGetaffinity(0, &before); err != nil {
			return fmt.Errorf("read a thread's cores: %w", err)
		}
		if err := unix.SchedSetaffinity(0, setOf(cores)); err != nil {
			return fmt.Errorf("pin a thread to the cores %v: %w", cores, err)
		}
		defer unix.SchedSetaffinity(0, &before) //nolint:errcheck // it had them a moment ago
	}
	return command.Start()
}
