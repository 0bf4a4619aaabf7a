package main

import (
	"testing"
	"testing/fstest"
)

func TestContainersProcessorsAreTheLeastAlongItsGroups(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for name, tt := range map[string]struct {
		system fstest.MapFS
		want   float64
	}{
		"none": {fstest.MapFS{}, 0},
		"second version": {fstest.MapFS{
			"proc/self/cgroup":          file("0::/pod/one\n"),
			"sys/fs/cgroup/pod/cpu.max": file("50000 100000\n"), "sys/fs/cgroup/pod/one/cpu.max": file("max 100000\n"),
		}, 0.5},
		"second version, seen from inside": {fstest.MapFS{"proc/self/cgroup": file("0::/elsewhere\n"), "sys/fs/cgroup/cpu.max": file("150000 100000\n")}, 1.5},
		"first version": {fstest.MapFS{
			"proc/self/cgroup":                      file("9:cpu,cpuacct:/a\n4:memory:/\n0::/\n"),
			"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us":  file("4000\n"),
			"sys/fs/cgroup/cpu/a/cpu.cfs_period_us": file("10000\n"),
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":    file("-1\n"),
			"sys/fs/cgroup/cpu/cpu.cfs_period_us":   file("100000\n"),
		}, 0.4},
		"nonsense": {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/cpu.max": file("many 0\n")}, 0},
	} {
		if got := containersProcessors(tt.system); got != tt.want {
			t.Errorf("%s: %g, want %g", name, got, tt.want)
		}
	}
}
