package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
	"example.com/parley/bench/upstream/fake"
)

// bench is one run of the program. One goroutine uses it.
type bench struct {
	options
	line   *report.Report
	parley *program.Parley
	client *client
	spare  *fake.Server
	sites  []*site

	seen    map[string]*tally // by fault, all that was asked but for what was to be continued
	healthy tally
}

// atMost bounds a run: one that takes longer hangs.
func (o *options) atMost() time.Duration {
	const slowest = time.Second // a request, with everything around it
	return 5*time.Minute + time.Duration(o.requests*len(faultNames()))*slowest/manyAtOnce
}

const readyWithin = 30 * time.Second

// failover does everything that was asked for, and fills the report. An error
// says that something could not be found out.
func failover(ctx context.Context, o options, line *report.Report) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.atMost(), fmt.Errorf("the run took longer than %s", o.atMost()))
	defer cancel()
	folder, leave, err := program.Folder("failover")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave(err == nil)) }()
	b := &bench{options: o, line: line, seen: make(map[string]*tally), spare: fake.New(fake.Config{})}
	if err := b.place(ctx); err != nil {
		return err
	}
	defer b.leave()
	server, err := b.start(ctx, folder)
	if err != nil {
		return err
	}
	defer server.Kill()
	return errors.Join(b.measure(ctx), context.Cause(ctx))
}

// place starts the spare, and finds an address for every provider that fails.
func (b *bench) place(ctx context.Context) error {
	if err := b.spare.Start(ctx); err != nil {
		return err
	}
	for _, f := range append(faults(), restarted()) {
		if !b.only.Has(f.name) {
			continue
		}
		s, err := newSite(f)
		if err != nil {
			return err
		}
		b.sites = append(b.sites, s)
		b.seen[f.name] = new(tally)
	}
	return nil
}

func (b *bench) leave() {
	for _, s := range b.sites {
		s.close()
	}
	_ = b.spare.Close() // nothing depends on it any more
	if b.client != nil {
		b.client.close()
	}
}

// start builds and starts the server.
func (b *bench) start(ctx context.Context, folder string) (*program.Process, error) {
	built, err := program.Build(ctx, folder, "cmd/parley")
	if err != nil {
		return nil, err
	}
	if b.parley, err = program.NewParley(built[0], filepath.Join(folder, "data")); err != nil {
		return nil, err
	}
	authorities := filepath.Join(folder, "authorities.pem")
	if err := b.writeAuthorities(authorities); err != nil {
		return nil, err
	}
	b.parley.Config = b.configure(authorities)
	spec, err := b.parley.Spec()
	if err != nil {
		return nil, err
	}
	b.client = newClient(b.parley.Address, b.parley.Key)
	return program.StartLogged(ctx, spec, folder, b.parley.Ready(), readyWithin)
}

// writeAuthorities writes down whom the server shall trust.
func (b *bench) writeAuthorities(file string) error {
	var all bytes.Buffer
	for _, s := range b.sites {
		if s.trusted != nil {
			all.Write(s.trusted.PEM())
		}
	}
	if err := os.WriteFile(file, all.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write whom to trust: %w", err)
	}
	return nil
}

// note counts what clients saw of requests behind a fault. Replies that two
// providers gave are billed by both, and apart.
func (b *bench) note(f *fault, of state, answers []answer) {
	for _, a := range answers {
		if a.end == lost {
			report.Say("%s: a request was lost: %s", f.name, a.why)
		}
	}
	if of != continued {
		b.seen[f.name].add(answers)
	}
}

func (b *bench) noteHealthy(answers []answer) {
	for _, a := range answers {
		if a.end != whole {
			report.Say("behind nothing but a healthy provider: %s", a.why)
		}
	}
	b.healthy.add(answers)
}
