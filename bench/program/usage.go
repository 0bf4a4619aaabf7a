package program

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc: USER_HZ, which is 100 on every Linux
// that Go runs on.
const tick = time.Second / 100

// Usage is what a process used so far.
type Usage struct {
	CPU  time.Duration // in user and kernel mode, all threads, in steps of 10 ms
	RSS  int64         // bytes in memory now
	Peak int64         // the most that RSS ever was
}

// Usage reads it from /proc, so that it fails elsewhere than on Linux.
func (p *Process) Usage() (Usage, error) { return usageOf(strconv.Itoa(p.PID())) }

func usageOf(pid string) (Usage, error) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return Usage{}, fmt.Errorf("read what a process uses: %w", err)
	}
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return Usage{}, fmt.Errorf("read what a process uses: %w", err)
	}
	var u Usage
	if u.CPU, err = parseCPU(string(stat)); err != nil {
		return Usage{}, err
	}
	if u.RSS, err = parseMemory(string(status), "VmRSS:"); err != nil {
		return Usage{}, err
	}
	u.Peak, err = parseMemory(string(status), "VmHWM:")
	return u, err
}

// parseCPU reads utime and stime, the 14th and 15th fields of proc(5)'s stat.
// The second is the program's name in brackets and may hold anything.
func parseCPU(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const utime, stime = 14 - 3, 15 - 3 // counted from the third
	if len(fields) <= stime {
		return 0, fmt.Errorf("/proc has a stat of %d fields", len(fields)+2)
	}
	user, err := strconv.ParseInt(fields[utime], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read utime: %w", err)
	}
	kernel, err := strconv.ParseInt(fields[stime], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read stime: %w", err)
	}
	return time.Duration(user+kernel) * tick, nil
}

// parseMemory reads a line such as "VmRSS:   1234 kB" of proc(5)'s status.
func parseMemory(status, name string) (int64, error) {
	for line := range strings.Lines(status) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != name || fields[2] != "kB" {
			continue
		}
		kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s %w", name, err)
		}
		return kilobytes << 10, nil
	}
	return 0, fmt.Errorf("/proc has no line %s", name)
}
