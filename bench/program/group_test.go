package program

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Not every machine lets its users make control groups; the error then says where it
// was tried.
func TestGroupBoundsTheTimeOfItsPrograms(t *testing.T) {
	group, err := NewGroup("test", 0.2)
	if err != nil {
		if !strings.Contains(err.Error(), "/sys/fs/cgroup") {
			t.Error(err)
		}
		return
	}
	p := start(t, "spinning", func(s *Spec) { s.Through = group.Through() })
	began := time.Now()
	time.Sleep(600 * time.Millisecond) // of a real processor
	used, err := p.Usage()
	if elapsed := time.Since(began); err != nil || used.CPU > elapsed/2 {
		t.Errorf("used %s in %s: %v", used.CPU, elapsed, err)
	}
	p.Kill()
	if err := group.Close(); err != nil {
		t.Error(err)
	}
}

func TestGroupIsNotMadeWhereThereAreNone(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if _, err := newGroup(root, "one", [][2]string{{"cpu.max", "1 2"}}); err == nil {
		t.Error("made in a folder that is no tree of groups")
	}
	if left, err := filepath.Glob(filepath.Join(root, "*")); err != nil || len(left) > 0 {
		t.Errorf("left %v: %v", left, err)
	}
	if _, err := newGroup(filepath.Join(root, "missing"), "one", nil); !os.IsNotExist(err) {
		t.Error(err)
	}
}
