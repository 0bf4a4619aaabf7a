package report

import (
	"bufio"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is where something was measured: figures of two machines say nothing
// about each other.
type Machine struct {
	CPU       string  `json:"cpu"`   // model, or the architecture where the system does not say
	Cores     int     `json:"cores"` // that this process may use
	MemoryGiB float64 `json:"memory_gib,omitempty"`
	OS        string  `json:"os"`
	Go        string  `json:"go"`
}

// ThisMachine describes the machine that this runs on.
func ThisMachine() Machine {
	m := Machine{CPU: runtime.GOARCH, Cores: runtime.NumCPU(), OS: runtime.GOOS, Go: runtime.Version()}
	if model := member("/proc/cpuinfo", "model name"); model != "" {
		m.CPU = model
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.OS += " " + strings.TrimSpace(string(release))
	}
	if kib, err := strconv.ParseFloat(strings.TrimSuffix(member("/proc/meminfo", "MemTotal"), " kB"), 64); err == nil {
		m.MemoryGiB = math.Round(kib/(1<<20)*10) / 10
	}
	return m
}

// member returns what stands behind "name:" in a file of /proc, or "".
func member(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
