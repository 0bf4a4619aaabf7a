package program

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// roleVariable makes the test binary play a program.
const roleVariable = "TEST_PROGRAM_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		play(role)
		return
	}
	goleak.VerifyTestMain(m)
}

func play(role string) {
	role, address, _ := strings.Cut(role, "@")
	switch role {
	case "environment":
		for _, pair := range os.Environ() {
			fmt.Println(pair)
		}
	case "cores":
		fmt.Println(Cores())
	case "spinning":
		for began := time.Now(); time.Since(began) < time.Minute; { // or until it is killed
		}
	case "failing":
		os.Exit(3)
	case "serving":
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		go serve(address, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		<-term
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		serve(address, http.NotFoundHandler())
	}
}

// serve answers until the process ends.
func serve(address string, h http.Handler) {
	server := http.Server{Addr: address, Handler: h, ReadHeaderTimeout: time.Minute}
	panic(server.ListenAndServe())
}

func start(t *testing.T, role string, change func(*Spec)) *Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := Spec{Path: self, Env: []string{roleVariable + "=" + role}}
	if change != nil {
		change(&s)
	}
	p, err := Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestProgramIsAwaitedAndStopped(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	p := start(t, "serving@"+address, nil)
	if err := p.AwaitReady(within(t, 20*time.Second), "http://"+address); err != nil {
		t.Fatal(err)
	}
	used, err := p.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if used.RSS < 1<<20 || used.Peak < used.RSS || used.CPU < 0 {
		t.Errorf("a Go program that runs uses %+v", used)
	}
	if err := p.Stop(10 * time.Second); err != nil {
		t.Error(err)
	}
	if err := p.Stop(time.Second); err != nil {
		t.Errorf("stopped again: %v", err)
	}
}

func TestProgramThatIgnoresTheSignalIsKilled(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	p := start(t, "stubborn@"+address, nil)
	if err := p.AwaitReady(within(t, 300*time.Millisecond), "http://"+address); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that answers with 404 is ready: %v", err)
	}
	if err := p.Stop(50 * time.Millisecond); err == nil {
		t.Error("it is said to have stopped by itself")
	}
	<-p.Exited()
}

func TestProgramThatEndsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	p := start(t, "failing", nil)
	if err := p.AwaitReady(within(t, 20*time.Second), "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
}

func TestProgramHearsNothingOfTheCallersProviders(t *testing.T) {
	t.Parallel()
	got := environment([]string{"PATH=/bin", "OPENAI_API_KEY=secret", "PARLEY_DATA=x", "ANTHROPIC_BASE_URL=y", "https_proxy=z", "GOGC=off", "HOME=/"})
	if want := []string{"PATH=/bin", "HOME=/"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var printed strings.Builder
	p := start(t, "environment", func(s *Spec) { s.Output, s.Env = &printed, append(s.Env, "OPENAI_API_KEY=ours") })
	<-p.Exited()
	if !strings.Contains(printed.String(), "OPENAI_API_KEY=ours\n") {
		t.Error("what the caller adds does not arrive")
	}
}

func TestProgramRunsOnItsCores(t *testing.T) {
	t.Parallel()
	cores := Cores()
	if len(cores) == 0 {
		t.Skip("this system does not tell of its cores")
	}
	last := cores[len(cores)-1:]
	var printed strings.Builder
	p := start(t, "cores", func(s *Spec) { s.Output, s.Cores = &printed, last })
	<-p.Exited()
	if got, want := strings.TrimSpace(printed.String()), fmt.Sprint(last); got != want {
		t.Errorf("it may run on %s, want %s", got, want)
	}
	if got := Cores(); !slices.Equal(got, cores) {
		t.Errorf("starting it moved the caller from %v to %v", cores, got)
	}
}

func TestUsageIsReadWhateverTheProgramIsCalled(t *testing.T) {
	t.Parallel()
	got, err := parseCPU("42 (a ) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 5 0 100 1000 200")
	if err != nil || got != 2*time.Second {
		t.Errorf("%s, %v; want 2s", got, err)
	}
	if _, err := parseCPU("42 (x) S 1"); err == nil {
		t.Error("a short stat is no error")
	}
	memory, err := parseMemory("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n", "VmRSS:")
	if err != nil || memory != 1<<20 {
		t.Errorf("%d, %v; want 1 MiB", memory, err)
	}
	if _, err := parseMemory("Name:\tx\n", "VmRSS:"); err == nil {
		t.Error("a missing line is no error")
	}
}
