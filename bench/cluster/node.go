package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// node is a server of the cluster, which is started again whenever it ends while it
// is wanted, as an operator's supervisor would.
type node struct {
	name     string
	host     *host
	settings *program.Parley
	folder   string // of the log that the nodes have in common

	mu      sync.Mutex
	process *program.Process // nil while it is down
	wanted  bool
	held    time.Time // it is not started again before
	ends    int       // that nobody asked for

	lost atomic.Int32 // checks of a load balancer, one after the other

	wake    chan struct{} // capacity 1
	watched sync.WaitGroup
}

const (
	readyWithin  = time.Minute
	restartAfter = 200 * time.Millisecond
)

// watch keeps the node running while it is wanted, until ctx ends.
func (n *node) watch(ctx context.Context) {
	n.watched.Go(func() {
		for ctx.Err() == nil {
			n.mu.Lock()
			process, wanted, wait := n.process, n.wanted, time.Until(n.held)
			n.mu.Unlock()
			switch {
			case process != nil:
				select {
				case <-process.Exited():
					n.ended(process)
				case <-ctx.Done():
				}
			case !wanted:
				n.sleep(ctx, time.Hour)
			case wait > 0:
				n.sleep(ctx, wait)
			default:
				n.start(ctx)
			}
		}
	})
}

func (n *node) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-n.wake:
	case <-ctx.Done():
	}
}

// start starts it. It need not be ready for long: PostgreSQL may be away.
func (n *node) start(ctx context.Context) {
	spec, err := n.settings.Spec()
	if err == nil {
		var log *os.File
		if log, err = os.OpenFile(program.LogOf(n.folder, spec.Path), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			spec.Output = log
			defer log.Close() //nolint:errcheck // the program has its own
		}
	}
	var process *program.Process
	if err == nil {
		process, err = program.Start(spec)
	}
	if err != nil {
		report.Say("%s cannot be started: %v", n.name, err)
		n.sleep(ctx, time.Second)
		return
	}
	n.mu.Lock()
	n.process = process
	n.mu.Unlock()
}

func (n *node) ended(process *program.Process) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != process {
		return
	}
	n.process = nil
	if n.wanted && time.Now().After(n.held) {
		n.ends++
		n.held = time.Now().Add(restartAfter)
	}
}

// want has it run, or not run any more.
func (n *node) want(wanted bool) {
	n.mu.Lock()
	n.wanted = wanted
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// now is the process that runs.
func (n *node) now() *program.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process
}

func (n *node) isUp() bool { return n.now() != nil }

// kill ends it at once, and has it stay away for a while.
func (n *node) kill(away time.Duration) {
	n.mu.Lock()
	n.held = time.Now().Add(away)
	process := n.process
	n.mu.Unlock()
	if process != nil {
		process.Kill()
	}
}

// restart asks it to end, and has it start again.
func (n *node) restart() error {
	n.mu.Lock()
	n.held = time.Now().Add(time.Hour)
	process := n.process
	n.mu.Unlock()
	var err error
	if process != nil {
		err = stop(process)
	}
	n.mu.Lock()
	n.held = time.Now()
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
	return err
}

// leave asks it to end, and not to come back.
func (n *node) leave() error {
	n.want(false)
	if process := n.now(); process != nil {
		return stop(process)
	}
	return nil
}

// exitRemoved is the exit status of a server that the others have removed, as
// docs/operations.md has it.
const exitRemoved = 75

// stop asks a server to end. One that the others remove meanwhile has ended, too.
func stop(process *program.Process) error {
	err := process.Stop(stopPatience + drainFor)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == exitRemoved {
		return nil
	}
	return err
}

// freeze stops it in the middle of whatever it does.
func (n *node) freeze() error { return n.signal(syscall.SIGSTOP) }

// thaw has it go on.
func (n *node) thaw() error { return n.signal(syscall.SIGCONT) }

func (n *node) signal(signal syscall.Signal) error {
	process := n.now()
	if process == nil {
		return fmt.Errorf("%s is down", n.name)
	}
	return process.Signal(signal)
}

func (n *node) adminKey() (string, error) {
	key, err := os.ReadFile(filepath.Join(n.settings.Data, "admin-key"))
	return string(key), err
}
