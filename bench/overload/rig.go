package main

import (
	"context"
	"time"

	"example.com/parley/bench/program"
)

// rig is the programs, and where they are.
type rig struct {
	folder     string
	layout     program.Layout
	upstreamAt string
	upstream   *program.Process
	settings   *program.Parley
	server     *program.Process
	polite     string // a key of a second tenant
}

const readyWithin = 30 * time.Second

// newRig builds the programs and starts the upstream.
func newRig(ctx context.Context, folder string, l program.Layout) (*rig, error) {
	built, err := program.Build(ctx, folder, "bench/upstream", "cmd/parley")
	if err != nil {
		return nil, err
	}
	r := &rig{folder: folder, layout: l}
	if r.upstreamAt, err = program.FreeAddress(); err != nil {
		return nil, err
	}
	if r.settings, err = program.NewParley(built[1], ""); err != nil {
		return nil, err
	}
	r.settings.Cores = l.Server
	r.settings.Env = []string{"OPENAI_BASE_URL=http://" + r.upstreamAt + "/v1", "OPENAI_API_KEY=canned"}
	r.upstream, err = program.StartLogged(ctx, program.Spec{
		Path: built[0], Args: []string{"-canned", "-listen", r.upstreamAt}, Cores: l.Others,
	}, folder, "http://"+r.upstreamAt+"/healthz", readyWithin)
	return r, err
}

// startServer starts a server that remembers nothing of an earlier one, with a
// second tenant. config is YAML.
func (r *rig) startServer(ctx context.Context, config string) (err error) {
	r.stopServer()
	r.settings.Config = config
	if r.server, err = r.settings.StartFresh(ctx, r.folder, readyWithin); err != nil {
		return err
	}
	r.polite, err = r.newTenant(ctx, "polite")
	return err
}

func (r *rig) stopServer() {
	if r.server != nil {
		r.server.Kill()
		r.server = nil
	}
}

func (r *rig) close() {
	r.stopServer()
	if r.upstream != nil {
		r.upstream.Kill()
	}
}
