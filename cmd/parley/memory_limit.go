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
// is in, of either version, in bytes; 0 where there is none. system is the root folder.
func containersMemory(system fs.FS) int64 {
	return int64(leastLimit(system, "memory", func(group string) float64 {
		return max(memoryOf(system, path.Join(group, "memory.max")), memoryOf(system, path.Join(group, "memory.limit_in_bytes")))
	}))
}

// unlimitedFrom is where the first version of control groups means no limit: it
// writes the largest number of pages.
const unlimitedFrom = math.MaxInt64 / 2

func memoryOf(system fs.FS, file string) float64 {
	limit, err := strconv.ParseInt(firstWord(system, file), 10, 64) // "max" is none
	if err != nil || limit >= unlimitedFrom {
		return 0
	}
	return float64(limit)
}
