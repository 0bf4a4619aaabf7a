package program

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParleyIsStartedWithItsOwnEverything(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p, err := NewParley("/bin/parley", data)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewParley("/bin/parley", data)
	if err != nil {
		t.Fatal(err)
	}
	if p.Key == other.Key || p.Address == p.Admin {
		t.Errorf("two servers are %+v and %+v", p, other)
	}
	p.Config, p.Env = "models: {}\n", []string{"OPENAI_API_KEY=fake"}
	s, err := p.Spec()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"serve", "--listen", p.Address, "--admin-listen", p.Admin, "--data", data, "--config", data + ".yaml"}
	if !slices.Equal(s.Args, want) || !slices.Equal(s.Env, []string{"PARLEY_BOOTSTRAP_KEY=" + p.Key, "PARLEY_CACHE_ENABLED=false", "OPENAI_API_KEY=fake"}) {
		t.Errorf("it is started as %+v", s)
	}
	if text, err := os.ReadFile(data + ".yaml"); err != nil || string(text) != p.Config {
		t.Errorf("its configuration is %q, %v", text, err)
	}
}

func TestLogOfAProgramThatIsNotReadyIsKept(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	s := Spec{Path: self, Env: []string{roleVariable + "=environment"}}
	if _, err := StartLogged(t.Context(), s, folder, "http://127.0.0.1:1", 20*time.Second); err == nil {
		t.Fatal("a program that ended is ready")
	}
	if log := Tail(LogOf(folder, self)); !strings.Contains(log, roleVariable) {
		t.Errorf("its log ends with %q", log)
	}
	if log := Tail(filepath.Join(folder, "none")); !strings.Contains(log, "no such file") {
		t.Errorf("the tail of no file is %q", log)
	}
}
