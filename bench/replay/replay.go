package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
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
	folder, err := os.MkdirTemp("", "replay-")
	if err != nil {
		return fmt.Errorf("make a folder for the run: %w", err)
	}
	defer func() {
		if err == nil && line.OK() {
			err = os.RemoveAll(folder)
			return
		}
		say("everything of the run is kept in %s; the server's log ends with\n%s", folder, tail(logFile(folder)))
	}()
	scripts := plan(questions, o.seed)
	say("seed %d: %d questions in %d conversations", o.seed, len(questions), len(scripts))
	found, err := o.run(ctx, folder, scripts)
	if err != nil {
		return err
	}
	for _, note := range found.findings.Notes {
		say("%s", note)
	}
	line.Figure("seed", o.seed)
	line.Figure("store", storeName(o.store))
	found.fill(line)
	return nil
}

func say(format string, arguments ...any) { fmt.Fprintf(os.Stderr, format+"\n", arguments...) }

// storeName is what may be printed of a store: a URL has a password.
func storeName(store string) string {
	name, _, _ := strings.Cut(store, ":")
	return name
}

func logFile(folder string) string { return filepath.Join(folder, "server.log") }

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
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	s, err := o.newServer(ctx, folder, key, upstream)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	s.open()
	client := newClient(s.address, key, o.concurrency)
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
	say("asked %d questions in %s; now reading everything again", turns, found.elapsed.Round(time.Millisecond))
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

// newKey makes the key of the run's tenant.
func newKey() (string, error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	return "pk_replay" + hex.EncodeToString(secret[:4]) + "_" + hex.EncodeToString(secret), nil
}

// newServer builds the server and says how it is started.
func (o options) newServer(ctx context.Context, folder, key string, upstream *fake.Server) (*server, error) {
	built, err := program.Build(ctx, folder, "cmd/parley")
	if err != nil {
		return nil, err
	}
	address, err := program.FreeAddress()
	if err != nil {
		return nil, err
	}
	admin, err := program.FreeAddress()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(logFile(folder))
	if err != nil {
		return nil, fmt.Errorf("make the server's log: %w", err)
	}
	config, err := o.writeConfig(folder)
	if err != nil {
		return nil, err
	}
	return &server{address: address, up: make(chan struct{}), spec: program.Spec{
		Path: built[0],
		Args: []string{"serve", "--listen", address, "--admin-listen", admin, "--data", filepath.Join(folder, "data"), "--config", config},
		Env: []string{
			"PARLEY_BOOTSTRAP_KEY=" + key,
			"OPENAI_BASE_URL=" + upstream.URL(), "OPENAI_API_KEY=fake",
			"ANTHROPIC_BASE_URL=http://" + upstream.Address(), "ANTHROPIC_API_KEY=fake",
		},
		Output: log,
	}}, nil
}

// writeConfig writes the file that names the store.
func (o options) writeConfig(folder string) (string, error) {
	text := "# everything else is as it comes\n"
	if o.store != "sqlite" {
		text += fmt.Sprintf("store:\n  postgres:\n    url: %q\n", o.store)
	}
	file := filepath.Join(folder, "parley.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	return file, nil
}
