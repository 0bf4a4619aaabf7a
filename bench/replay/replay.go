package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
	"example.com/parley/bench/upstream/fake"
)

// atMost bounds a run: one that takes longer hangs.
const atMost = 15 * time.Minute

// replay does everything, and fills the report. An error says that nothing could
// be found out.
func replay(ctx context.Context, o options, line *report.Report) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, atMost, fmt.Errorf("the run took longer than %s", atMost))
	defer cancel()
	questions, err := open(o)
	if err != nil {
		return err
	}
	folder, leave, err := program.Folder("replay")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave(err == nil && line.OK())) }()
	scripts := plan(questions, o.seed)
	report.Say("seed %d: %d questions in %d conversations", o.seed, len(questions), len(scripts))
	found, err := o.run(ctx, folder, scripts)
	if err != nil {
		return err
	}
	for _, note := range found.findings.Notes {
		report.Say("%s", note)
	}
	line.Figure("seed", o.seed)
	line.Figure("store", storeName(o.store))
	found.fill(line)
	return nil
}

// storeName is what may be printed of a store: a URL has a password.
func storeName(store string) string {
	name, _, _ := strings.Cut(store, ":")
	return name
}

func open(o options) ([]string, error) {
	name := o.questions
	if name == "" {
		name = filepath.Join("bench", "replay", "questions.tsv")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the questions: %w: name a file with -questions, or run from the top of the repository", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	return readQuestions(file, o.column)
}

// run starts everything, plays the scripts, and audits.
func (o options) run(ctx context.Context, folder string, scripts []script) (*outcome, error) {
	upstream := fake.New(fake.Config{})
	if err := upstream.Start(ctx); err != nil {
		return nil, err
	}
	defer upstream.Close() //nolint:errcheck // nothing depends on it any more
	s, err := o.newServer(ctx, folder, upstream)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	s.open()
	client := newClient(s.settings.Address, s.settings.Key, o.concurrency)
	defer client.close()
	a := &auditor{client: client, stage: &stage{client: client, server: s, run: fmt.Sprintf("replay-%d-%d", o.seed, time.Now().UnixNano())}}
	if a.before, err = client.listed(ctx); err != nil {
		return nil, fmt.Errorf("list what there is before the run: %w", err)
	}
	return o.perform(ctx, s, a, scripts)
}

// perform plays the scripts while the nemesis is at work, kills the server once
// more, and reads everything again.
func (o options) perform(ctx context.Context, s *server, a *auditor, scripts []script) (*outcome, error) {
	turns := 0
	for _, one := range scripts {
		turns += len(one.Asks)
	}
	n := newNemesis(s, o.kills, turns, o.concurrency)
	a.stage.after = n.turnEnded
	found := &outcome{}
	began := time.Now()
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.run(groupCtx) })
	group.Go(func() error {
		found.conversations = a.stage.perform(groupCtx, scripts, o.concurrency)
		return nil
	})
	if err := errors.Join(group.Wait(), context.Cause(ctx)); err != nil {
		return nil, err
	}
	found.elapsed = time.Since(began)
	report.Say("asked %d questions in %s; now reading everything again", turns, found.elapsed.Round(time.Millisecond))
	if err := s.crash(ctx); err != nil {
		return nil, err
	}
	a.stage.after = func() {}
	if err := a.audit(ctx, found.conversations); err != nil {
		return nil, fmt.Errorf("read everything again: %w", err)
	}
	found.findings, found.items, found.repeated, found.recovery = a.findings, a.items, a.repeated, s.recovery
	return found, nil
}

// newServer builds the server and says how it is started.
func (o options) newServer(ctx context.Context, folder string, upstream *fake.Server) (*server, error) {
	built, err := program.Build(ctx, folder, "cmd/parley")
	if err != nil {
		return nil, err
	}
	settings, err := program.NewParley(built[0], filepath.Join(folder, "data"))
	if err != nil {
		return nil, err
	}
	settings.Env = []string{
		"OPENAI_BASE_URL=" + upstream.URL(), "OPENAI_API_KEY=fake",
		"ANTHROPIC_BASE_URL=http://" + upstream.Address(), "ANTHROPIC_API_KEY=fake",
	}
	if o.store != "sqlite" {
		settings.Config = fmt.Sprintf("store:\n  postgres:\n    url: %q\n", o.store)
	}
	return &server{settings: settings, folder: folder, up: make(chan struct{})}, nil
}
