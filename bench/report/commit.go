package report

import (
	"context"
	"os/exec"
	"runtime/debug"
	"strings"
)

// commit is what the program was built from: as the go command stamped it, else
// as git knows the directory that it runs in, else "unknown".
func commit(ctx context.Context) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		if stamped := stampOf(info.Settings); stamped != "" {
			return stamped
		}
	}
	described, err := exec.CommandContext(ctx, "git", "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(described))
}

func stampOf(settings []debug.BuildSetting) string {
	const short = 12
	revision, dirty := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(short, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + dirty
}
