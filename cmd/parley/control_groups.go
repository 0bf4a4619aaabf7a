package main

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// leastLimit is the least of what the control groups allow that the process is in, of
// either version: of reads what a group says, by its folder, and 0 where it says
// nothing. controller is its name in the first version. system is the root folder.
func leastLimit(system fs.FS, controller string, of func(group string) float64) (least float64) {
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
			least = leastOf(least, limitAlong("sys/fs/cgroup", fields[2], of))
		case slices.Contains(strings.Split(fields[1], ","), controller):
			least = leastOf(least, limitAlong("sys/fs/cgroup/"+controller, fields[2], of))
		}
	}
	return least
}

// limitAlong is the least limit from a group up to the root: each bounds those in
// it. In a container the root of the tree is often the group itself.
func limitAlong(root, group string, of func(group string) float64) (least float64) {
	for at := path.Join("/", group); ; at = path.Dir(at) {
		least = leastOf(least, of(path.Join(root, at)))
		if at == "/" {
			return least
		}
	}
}

// leastOf leaves out zeroes, which stand for no limit.
func leastOf(a, b float64) float64 {
	switch {
	case a <= 0:
		return b
	case b <= 0:
		return a
	default:
		return min(a, b)
	}
}

// words are those of a file; none where it cannot be read.
func words(system fs.FS, file string) []string {
	text, err := fs.ReadFile(system, file)
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

func firstWord(system fs.FS, file string) string {
	if found := words(system, file); len(found) > 0 {
		return found[0]
	}
	return ""
}
