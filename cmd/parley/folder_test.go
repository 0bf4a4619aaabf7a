package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/parley/messages"
)

func TestFolderIsLockedByOneAtATime(t *testing.T) {
	t.Parallel()
	f := folder(t.TempDir())
	release, err := f.lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.lock(); !errors.Is(err, errInUse) {
		t.Errorf("a second lock returned %v, want errInUse", err)
	}
	release()
	release, err = f.lock()
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	release()
}

func TestFolderKeepsSecretsForTheirOwner(t *testing.T) {
	t.Parallel()
	f := folder(filepath.Join(t.TempDir(), "new", "data"))
	if err := f.make(); err != nil {
		t.Fatal(err)
	}
	if secret, err := f.kept("admin-key"); secret != "" || err != nil {
		t.Errorf("before: %q, %v; want nothing", secret, err)
	}
	for _, secret := range []string{"first", "second"} {
		if err := f.keep("admin-key", secret); err != nil {
			t.Fatal(err)
		}
		if got, err := f.kept("admin-key"); got != secret || err != nil {
			t.Errorf("kept %q, %v; want %q", got, err, secret)
		}
	}
	for path, want := range map[string]os.FileMode{f.file("admin-key"): 0o600, string(f): 0o700} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
	}
}

func TestFolderTellsWhereTheServerIs(t *testing.T) {
	t.Parallel()
	f := folder(t.TempDir())
	cfg := DefaultConfig()
	cfg.HTTP.Listen, cfg.Admin.Listen = "127.0.0.1:0", "127.0.0.1:0"
	s, err := listen(t.Context(), &cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	withdraw, err := f.announce(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.present()
	if err != nil {
		t.Fatal(err)
	}
	if got.PID != os.Getpid() || got.Listen != s.public.Addr().String() || got.Admin != s.private.Addr().String() || time.Since(got.Started) > time.Minute {
		t.Errorf("the server is announced as %+v", got)
	}
	withdraw()
	if _, err := f.present(); err == nil {
		t.Error("the server is still announced")
	}
}

func TestFolderThatCannotBeMadeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	failure := messages.AsFailure(folder(filepath.Join(file, "data")).make())
	if failure.Code != messages.CodeStoreUnavailable || !strings.Contains(failure.Do, "--data") {
		t.Errorf("got %+v", failure)
	}
}
