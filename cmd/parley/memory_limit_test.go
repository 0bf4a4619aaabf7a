package main

import (
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestContainersMemoryIsTheLeastAlongItsGroups(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for name, tt := range map[string]struct {
		system fstest.MapFS
		want   int64
	}{
		"none": {fstest.MapFS{}, 0},
		"second version": {fstest.MapFS{
			"proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("1000\n"),
		}, 1000},
		"second version, seen from inside": {fstest.MapFS{"proc/self/cgroup": file("0::/elsewhere\n"), "sys/fs/cgroup/memory.max": file("5000\n")}, 5000},
		"first version": {fstest.MapFS{
			"proc/self/cgroup": file("9:cpu,cpuacct:/\n4:memory:/a\n0::/\n"),
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes":     file("700\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes":       file("9223372036854771712\n"),
			"sys/fs/cgroup/cpu,cpuacct/memory.limit_in_bytes":  file("1\n"),
			"sys/fs/cgroup/memory/other/memory.limit_in_bytes": file("2\n"),
		}, 700},
		"unlimited": {fstest.MapFS{"proc/self/cgroup": file("4:memory:/\n0::/\nnonsense\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n")}, 0},
	} {
		if got := containersMemory(tt.system); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// It sets what is the whole process's, so that it runs alone.
func TestMemoryIsBoundUnlessTheOperatorDoes(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	system := fstest.MapFS{"proc/self/cgroup": {Data: []byte("0::/\n")}, "sys/fs/cgroup/memory.max": {Data: []byte("10000000000\n")}}
	boundMemory([]string{"GOMEMLIMIT=1GiB"}, system)
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("%d", got)
	}
	boundMemory([]string{"GOGC=100"}, system)
	if got := debug.SetMemoryLimit(-1); got != 9000000000 {
		t.Errorf("%d", got)
	}
}
