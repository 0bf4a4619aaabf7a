package main

import (
	"io/fs"
	"math"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// containersPart is how much of a container's memory the process takes for its
// own: the rest is for what the runtime does not count, such as SQLite's mappings
// and the kernel's buffers.
const containersPart = 0.9

// boundMemory has the runtime know how much memory the process may hold, where its
// container says so and the operator has not set GOMEMLIMIT: garbage is collected
// before that is reached, and the gate sheds classes by it.
func boundMemory(environment []string, system fs.FS) {
	if slices.ContainsFunc(environment, func(pair string) bool { return strings.HasPrefix(pair, "GOMEMLIMIT=") }) {
		return
	}
	if limit := containersMemory(system); limit > 0 {
		debug.SetMemoryLimit(int64(containersPart * float64(limit)))
	}
}

// containersMemory is the least memory limit of the control groups that the process
// is in, of either version; 0 where there is none. system is the root folder.
func containersMemory(system fs.FS) (least int64) {
	groups, err := fs.ReadFile(system, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(groups)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch {
		case fields[1] == "":
			least = leastOf(least, limitAlong(system, "sys/fs/cgroup", fields[2], "memory.max"))
		case slices.Contains(strings.Split(fields[1], ","), "memory"):
			least = leastOf(least, limitAlong(system, "sys/fs/cgroup/memory", fields[2], "memory.limit_in_bytes"))
		}
	}
	return least
}

// limitAlong is the least limit from a group up to the root: each bounds those in
// it. In a container the root of the tree is often the group itself.
func limitAlong(system fs.FS, root, group, file string) (least int64) {
	for at := path.Join("/", group); ; at = path.Dir(at) {
		if text, err := fs.ReadFile(system, path.Join(root, at, file)); err == nil {
			least = leastOf(least, parseLimit(string(text)))
		}
		if at == "/" {
			return least
		}
	}
}

// unlimitedFrom is where the first version of control groups means no limit: it
// writes the largest number of pages.
const unlimitedFrom = math.MaxInt64 / 2

func parseLimit(text string) int64 {
	limit, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64) // "max" is none
	if err != nil || limit >= unlimitedFrom {
		return 0
	}
	return limit
}

// leastOf leaves out zeroes, which stand for no limit.
func leastOf(a, b int64) int64 {
	switch {
	case a <= 0:
		return b
	case b <= 0:
		return a
	default:
		return min(a, b)
	}
}
