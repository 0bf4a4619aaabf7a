package program

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "example.com/parley/"

// Build compiles commands of this module, such as cmd/parley, into folder, and
// returns their files in the same order. The working folder has to be inside
// the module.
func Build(ctx context.Context, folder string, commands ...string) ([]string, error) {
	files := make([]string, len(commands))
	for i, command := range commands {
		files[i] = filepath.Join(folder, filepath.Base(command))
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", files[i], module+command)
		build.Env = append(build.Environ(), "CGO_ENABLED=0") // as the released binary is built
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", command, err, strings.TrimSpace(string(out)))
		}
	}
	return files, nil
}
