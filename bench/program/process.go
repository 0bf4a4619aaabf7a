package program

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Spec says what to start.
type Spec struct {
	Path    string
	Args    []string
	Env     []string  // further variables, as NAME=value
	Cores   []int     // that it may run on, where the system can be told so; none leaves it free
	Output  io.Writer // takes what it prints; nil drops it
	Through []string  // words that become the program, such as ip netns exec NAME; none starts it itself
}

// Process is a running program. Its methods may be called at the same time.
type Process struct {
	name    string
	command *exec.Cmd
	exited  chan struct{}
	failure error // set before exited is closed
}

// Start starts a program. The caller ends it with Stop or Kill; it does not
// outlive the caller's process where the system can see to that.
func Start(s Spec) (*Process, error) {
	// Not CommandContext: how a program ends is part of what is measured.
	words := slices.Concat(s.Through, []string{s.Path}, s.Args)
	command := exec.Command(words[0], words[1:]...) //nolint:noctx // see above
	command.Env = append(environment(os.Environ()), s.Env...)
	command.Stdout, command.Stderr = s.Output, s.Output
	command.WaitDelay = time.Second
	if err := startOn(s.Cores, command); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Path, err)
	}
	p := &Process{name: s.Path, command: command, exited: make(chan struct{})}
	go func() { // ends with the program
		p.failure = command.Wait()
		close(p.exited)
	}()
	return p, nil
}

// environment leaves out what would configure a program behind the caller's
// back.
func environment(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		switch strings.ToUpper(name) {
		case "GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY":
			return true
		}
		return slices.ContainsFunc([]string{"PARLEY_", "OPENAI_", "ANTHROPIC_"},
			func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
}

// PID is the process's id.
func (p *Process) PID() int { return p.command.Process.Pid }

// Exited is closed when the program has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Signal sends the program a signal: SIGSTOP freezes it, SIGCONT has it go on.
func (p *Process) Signal(signal os.Signal) error {
	if err := p.command.Process.Signal(signal); err != nil {
		return fmt.Errorf("send %s to %s: %w", signal, p.name, err)
	}
	return nil
}

// Kill ends the program as a power cut would, with SIGKILL, and waits until it
// is gone.
func (p *Process) Kill() {
	// An error says that it is gone already.
	_ = p.command.Process.Kill()
	<-p.exited
}

// Stop asks the program to end, with SIGTERM, and kills it when it has not
// within grace. It returns an error where it did not end by itself, or badly.
func (p *Process) Stop(grace time.Duration) error {
	return p.stop(syscall.SIGTERM, grace)
}

func (p *Process) stop(signal os.Signal, grace time.Duration) error {
	if err := p.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
		p.Kill()
		return fmt.Errorf("stop %s: it still ran %s after it was asked to end", p.name, grace)
	}
	if p.failure != nil {
		return fmt.Errorf("stop %s: %w", p.name, p.failure)
	}
	return nil
}
