package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is what this binary was built from.
type version struct {
	Module string // v1.2.3, or (devel) from a working tree
	Commit string // empty where the build knew of none
	Dirty  bool   // the tree had changes beside the commit
}

// builtFrom reads what the Go toolchain wrote into the binary.
func builtFrom() version {
	v := version{Module: "(devel)"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Module = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Commit = setting.Value
		case "vcs.modified":
			v.Dirty = setting.Value == "true"
		}
	}
	return v
}

func (v version) String() string {
	const shown = 12 // hex digits, as git shows them
	s := v.Module
	if v.Commit != "" {
		s += " commit " + v.Commit[:min(shown, len(v.Commit))]
	}
	if v.Dirty {
		s += " (changed)"
	}
	return s
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return printVersion(c.OutOrStdout(), builtFrom())
		},
	}
}

func printVersion(w io.Writer, v version) error {
	_, err := fmt.Fprintf(w, "parley %s %s %s/%s\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
