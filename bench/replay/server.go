package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"example.com/parley/bench/program"
)

// server is the program under test. It can be killed and started again at the
// same address while clients use it.
type server struct {
	settings *program.Parley
	folder   string // of its log

	mu       sync.Mutex
	process  *program.Process
	up       chan struct{} // closed while it is ready
	killed   time.Time     // the last time
	kills    int
	recovery []time.Duration // from each kill to readiness
}

// readyWithin bounds a start: recovery has to be quick, but a busy machine may
// not be.
const readyWithin = 60 * time.Second

func (s *server) start(ctx context.Context) error {
	spec, err := s.settings.Spec()
	if err != nil {
		return err
	}
	process, err := program.StartLogged(ctx, spec, s.folder, s.settings.Ready(), readyWithin)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.process = process
	s.mu.Unlock()
	return nil
}

// open lets clients in.
func (s *server) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.up)
}

// crash kills the server, as a power cut would end it, and starts it again.
func (s *server) crash(ctx context.Context) error {
	s.mu.Lock()
	s.up = make(chan struct{})
	s.killed, s.kills = time.Now(), s.kills+1
	killed, process := s.killed, s.process
	s.mu.Unlock()
	process.Kill()
	if err := s.start(ctx); err != nil {
		return fmt.Errorf("start the server after it was killed: %w", err)
	}
	s.mu.Lock()
	s.recovery = append(s.recovery, time.Since(killed))
	s.mu.Unlock()
	s.open()
	return nil
}

// await returns as soon as the server is ready.
func (s *server) await(ctx context.Context) error {
	s.mu.Lock()
	up := s.up
	s.mu.Unlock()
	select {
	case <-up:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// outages returns how often the server was killed so far, and when it last was.
func (s *server) outages() (int, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kills, s.killed
}

func (s *server) stop() {
	s.mu.Lock()
	process := s.process
	s.mu.Unlock()
	if process != nil {
		process.Kill()
	}
}
