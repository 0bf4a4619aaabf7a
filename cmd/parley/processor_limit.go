package main

import (
	"io/fs"
	"path"
	"strconv"
)

// containersProcessors is how many processors the process may use all the time, by the
// control groups that it is in, of either version: 0.5 is half the time of one. It is 0
// where nobody bounds it. system is the root folder.
func containersProcessors(system fs.FS) float64 {
	return leastLimit(system, "cpu", func(group string) float64 {
		if said := words(system, path.Join(group, "cpu.max")); len(said) == 2 { // "50000 100000", or "max 100000"
			return quotient(said[0], said[1])
		}
		return quotient(firstWord(system, path.Join(group, "cpu.cfs_quota_us")), firstWord(system, path.Join(group, "cpu.cfs_period_us")))
	})
}

// quotient is 0 where there is no quota: the second version calls that "max" and the
// first one -1.
func quotient(quota, period string) float64 {
	part, err := strconv.ParseFloat(quota, 64)
	whole, wrong := strconv.ParseFloat(period, 64)
	if err != nil || wrong != nil || part <= 0 || whole <= 0 {
		return 0
	}
	return part / whole
}
