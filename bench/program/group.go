package program

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Group is a control group of the system that bounds how much processor time programs
// get, as a container's limit does. A machine of few cores so has a server with less
// to give than those that ask it. One goroutine uses it.
type Group struct {
	folder string
}

// groupPeriod is what the time is counted in: short, so that a program which has used
// its own stands still for milliseconds alone.
const groupPeriod = 10 * time.Millisecond

// NewGroup makes a group for programs that use so many processors at most: 0.5 is half
// the time of one. It needs the right to make groups, and knows both versions of
// them. The caller closes it.
func NewGroup(name string, processors float64) (*Group, error) {
	period := groupPeriod.Microseconds()
	quota := int64(processors * float64(period))
	name = fmt.Sprintf("parley-%s-%d", name, os.Getpid())
	first, firstErr := newGroup("/sys/fs/cgroup/cpu", name, [][2]string{
		{"cpu.cfs_period_us", strconv.FormatInt(period, 10)}, {"cpu.cfs_quota_us", strconv.FormatInt(quota, 10)},
	})
	if firstErr == nil {
		return first, nil
	}
	second, err := newGroup("/sys/fs/cgroup", name, [][2]string{{"cpu.max", fmt.Sprintf("%d %d", quota, period)}})
	if err != nil {
		return nil, fmt.Errorf("bound the processors of a program: %w", errors.Join(firstErr, err))
	}
	return second, nil
}

func newGroup(root, name string, settings [][2]string) (*Group, error) {
	g := &Group{folder: filepath.Join(root, name)}
	if err := os.Mkdir(g.folder, 0o700); err != nil {
		return nil, err //nolint:wrapcheck // it names the folder
	}
	for _, setting := range settings {
		file, err := os.OpenFile(filepath.Join(g.folder, setting[0]), os.O_WRONLY, 0) // it is there, or this is not the place
		if err == nil {
			_, err = file.WriteString(setting[1])
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			return nil, errors.Join(err, g.Close())
		}
	}
	return g, nil
}

// Through is the words that start a program in the group, for a Spec: a shell that
// goes into it and becomes the program, which so counts its processors inside.
func (g *Group) Through() []string {
	return []string{"sh", "-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(g.folder, "cgroup.procs")}
}

// Close removes the group. Its programs have ended.
func (g *Group) Close() error {
	if err := os.Remove(g.folder); err != nil {
		return fmt.Errorf("remove a control group: %w", err)
	}
	return nil
}
