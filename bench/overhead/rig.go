package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"example.com/parley/bench/program"
)

// rig is the three programs and where they are.
type rig struct {
	folder string
	layout layout
	key    string
	files  struct{ upstream, bareproxy, server string }

	upstreamAt, bareproxyAt, serverAt, adminAt string
	upstream, bareproxy, server                *program.Process
}

const readyWithin = 30 * time.Second

// newRig builds the programs and starts the upstream and the bare proxy.
func newRig(ctx context.Context, folder string, l layout) (*rig, error) {
	r := &rig{folder: folder, layout: l}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	r.key = "pk_bench_" + hex.EncodeToString(secret)
	built, err := program.Build(ctx, folder, "bench/upstream", "bench/bareproxy", "cmd/parley")
	if err != nil {
		return nil, err
	}
	r.files.upstream, r.files.bareproxy, r.files.server = built[0], built[1], built[2]
	for _, address := range []*string{&r.upstreamAt, &r.bareproxyAt, &r.serverAt, &r.adminAt} {
		if *address, err = program.FreeAddress(); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(r.startUpstream(ctx), r.startBareproxy(ctx)); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// start starts a program whose output goes to a file of its name, and waits
// until it answers at url.
func (r *rig) start(ctx context.Context, s program.Spec, url string) (*program.Process, error) {
	log, err := os.OpenFile(filepath.Join(r.folder, filepath.Base(s.Path)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	defer log.Close() //nolint:errcheck // the program has its own
	s.Output = log
	process, err := program.Start(s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := process.AwaitReady(ctx, url); err != nil {
		process.Kill()
		return nil, err
	}
	return process, nil
}

func (r *rig) startUpstream(ctx context.Context) (err error) {
	r.upstream, err = r.start(ctx, program.Spec{
		Path: r.files.upstream, Args: []string{"-canned", "-listen", r.upstreamAt}, Cores: r.layout.Upstream,
	}, "http://"+r.upstreamAt+"/healthz")
	return err
}

func (r *rig) startBareproxy(ctx context.Context) (err error) {
	r.bareproxy, err = r.start(ctx, program.Spec{
		Path: r.files.bareproxy, Args: []string{"-listen", r.bareproxyAt, "-upstream", r.upstreamAt}, Cores: r.layout.Proxy,
	}, "http://"+r.bareproxyAt+"/healthz")
	return err
}

// startServer starts a server that remembers nothing of an earlier one. config
// is YAML.
func (r *rig) startServer(ctx context.Context, config string) error {
	r.stopServer()
	data, err := os.MkdirTemp(r.folder, "data-")
	if err != nil {
		return fmt.Errorf("make the server's folder: %w", err)
	}
	file := filepath.Join(data, "parley.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return fmt.Errorf("write the server's configuration: %w", err)
	}
	r.server, err = r.start(ctx, program.Spec{
		Path: r.files.server,
		Args: []string{"serve", "--listen", r.serverAt, "--admin-listen", r.adminAt, "--data", filepath.Join(data, "kept"), "--config", file},
		Env: []string{
			"PARLEY_BOOTSTRAP_KEY=" + r.key,
			"OPENAI_BASE_URL=http://" + r.upstreamAt + "/v1", "OPENAI_API_KEY=canned",
		},
		Cores: r.layout.Proxy,
	}, "http://"+r.serverAt+"/readyz")
	return err
}

func (r *rig) stopServer() {
	if r.server != nil {
		r.server.Kill()
		r.server = nil
	}
}

// restartUpstream ends it at once, with all its connections, and starts it again
// at the same place.
func (r *rig) restartUpstream(ctx context.Context) error {
	r.upstream.Kill()
	return r.startUpstream(ctx)
}

func (r *rig) close() {
	for _, process := range []*program.Process{r.server, r.bareproxy, r.upstream} {
		if process != nil {
			process.Kill()
		}
	}
}

// subjects are the three as they run now.
func (r *rig) subjects() []subject {
	return []subject{
		{direct, r.upstreamAt, r.upstream}, {bareproxy, r.bareproxyAt, r.bareproxy}, {server, r.serverAt, r.server},
	}
}
