package spool_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTornTailIsNoDamage(t *testing.T) {
	t.Parallel()
	folder, to := t.TempDir(), newSink()
	to.setAway(true)
	s := open(t, folder, to)
	settle(t, s, usage(1))
	settle(t, s, usage(2))
	s.Close()
	to.setAway(false)
	path := filepath.Join(folder, files(t, folder)[0])
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)-5], 0o600); err != nil { // #nosec G703 -- in the test's own folder
		t.Fatal(err)
	}
	open(t, folder, to).Close()
	if to.count() != 1 || len(files(t, folder)) != 0 {
		t.Errorf("%d rows, left %v", to.count(), files(t, folder))
	}
}

func TestDamagedFileIsSetAside(t *testing.T) {
	t.Parallel()
	folder, to := t.TempDir(), newSink()
	to.setAway(true)
	s := open(t, folder, to)
	settle(t, s, usage(1))
	settle(t, s, usage(2))
	s.Close()
	to.setAway(false)
	path := filepath.Join(folder, files(t, folder)[0])
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)-20] ^= 1
	if err := os.WriteFile(path, whole, 0o600); err != nil { // #nosec G703 -- in the test's own folder
		t.Fatal(err)
	}
	open(t, folder, to).Close()
	left := files(t, folder)
	if to.count() != 1 || len(left) != 1 || !strings.HasSuffix(left[0], ".damaged") {
		t.Errorf("%d rows, left %v", to.count(), left)
	}
}

func TestDamagedRecordCostsNoOther(t *testing.T) {
	t.Parallel()
	folder, to := t.TempDir(), newSink()
	to.setAway(true)
	s := open(t, folder, to)
	for i := range byte(3) {
		settle(t, s, usage(i))
	}
	s.Close()
	to.setAway(false)
	path := filepath.Join(folder, files(t, folder)[0])
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)/2] ^= 1                                 // in the second of three that are alike
	if err := os.WriteFile(path, whole, 0o600); err != nil { // #nosec G703 -- in the test's own folder
		t.Fatal(err)
	}
	open(t, folder, to).Close()
	if to.count() != 2 {
		t.Errorf("%d rows, want 2 of 3", to.count())
	}
}
