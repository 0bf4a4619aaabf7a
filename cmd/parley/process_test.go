package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for a process. It is long, since a machine that
// builds other things at the same time is slow.
const patience = 60 * time.Second

// process is a running server.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	data   string
	url    string // of the API, without /v1
	admin  string // host:port of the admin listener
	key    string // the first tenant's, where the server said it
	lines  <-chan string
	said   string // on standard output, until it was ready
	log    *lockedBuffer
	exited chan struct{}
	err    error // of the exit; set before exited is closed
}

// launch is how a server is started.
type launch struct {
	data      string // empty: a folder of its own
	arguments []string
	env       []string
}

// start runs the binary and waits until it says that it is ready. It is killed
// when the test ends.
func start(t *testing.T, l launch) *process {
	t.Helper()
	p := begin(t, l)
	p.awaitReady()
	return p
}

// configured starts a server with a configuration file.
func configured(t *testing.T, text string) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "parley.yaml")
	writeFile(t, file, text)
	return start(t, launch{arguments: []string{"--config", file}})
}

// begin runs the binary and waits for nothing.
func begin(t *testing.T, l launch) *process {
	t.Helper()
	if l.data == "" {
		l.data = filepath.Join(t.TempDir(), "data")
	}
	p := &process{t: t, data: l.data, log: new(lockedBuffer), exited: make(chan struct{})}
	arguments := append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", l.data}, l.arguments...)
	p.cmd = command(context.WithoutCancel(t.Context()), arguments, l.env)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 64)
	p.lines = lines
	read := make(chan struct{})
	go func() { // ends with the process's standard output
		defer close(read)
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			default: // nobody listens any longer
			}
		}
	}()
	go func() { // ends with the process
		<-read
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(p.kill)
	return p
}

// command runs the binary with a clean environment. Without a cache, unless env
// says otherwise: most tests ask the same question again and again, and want it
// answered by a model.
func command(ctx context.Context, arguments, env []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, arguments...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GORACE=halt_on_error=1", "PARLEY_CACHE_ENABLED=false"}, env...)
	cmd.WaitDelay = time.Second
	return cmd
}

var (
	urlSaid = regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`)
	keySaid = regexp.MustCompile(`pk_[A-Za-z0-9]+_[A-Za-z0-9_-]+`)
)

// awaitReady reads what the server says first, which ends with an empty line
// after its last hint.
func (p *process) awaitReady() {
	p.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case line, open := <-p.lines:
			if !open {
				p.t.Fatalf("the server ended before it was ready:\n%s%s", p.said, p.log)
			}
			p.said += line + "\n"
			if strings.HasPrefix(line, lastGreeting) {
				p.url = urlSaid.FindString(p.said)
				p.key = keySaid.FindString(p.said)
				present, err := folder(p.data).present()
				if err != nil {
					p.t.Fatal(err)
				}
				p.admin = present.Admin
				return
			}
		case <-timeout.C:
			p.t.Fatalf("the server was not ready after %s:\n%s%s", patience, p.said, p.log)
		}
	}
}

// terminate asks the server to stop, and wants it to exit with 0.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.awaitExit()
	if p.err != nil {
		p.t.Errorf("after SIGTERM: %v\n%s", p.err, p.log)
	}
}

// awaitRemoval waits until the server has ended since the others of its cluster had
// removed it.
func (p *process) awaitRemoval() {
	p.t.Helper()
	p.awaitExit()
	if status := p.cmd.ProcessState.ExitCode(); status != exitRemoved || !strings.Contains(p.log.String(), "have removed this one") {
		p.t.Errorf("it ended with status %d, and said %s", status, p.log)
	}
}

func (p *process) awaitExit() {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("the server still runs after %s:\n%s", patience, p.log)
	}
}

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// kill ends the server as a crash does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// run runs a command of the binary to its end.
func runBinary(t *testing.T, env []string, arguments ...string) (out string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command(ctx, arguments, env)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), errors.New(strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// lockedBuffer takes the log of a process while a test reads it.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

var _ io.Writer = (*lockedBuffer)(nil)

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
