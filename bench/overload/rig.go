package main

import (
	"context"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// rig is the programs, and where they are.
type rig struct {
	folder     string
	layout     program.Layout
	upstreamAt string
	upstream   *program.Process
	settings   *program.Parley
	server     *program.Process
	bound      *program.Group // of the server; nil where it is not bounded
	polite     string         // a key of a second tenant
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
func (r *rig) startServer(ctx context.Context, config string) error {
	r.stopServer()
	return r.start(ctx, config)
}

// startBounded is startServer, with so much of a processor.
func (r *rig) startBounded(ctx context.Context, config string, processors float64) (err error) {
	r.stopServer()
	if r.bound, err = program.NewGroup("overload", processors); err != nil {
		return err
	}
	return r.start(ctx, config)
}

func (r *rig) start(ctx context.Context, config string) (err error) {
	r.settings.Config, r.settings.Through = config, nil
	if r.bound != nil {
		r.settings.Through = r.bound.Through()
	}
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
	if r.bound != nil {
		if err := r.bound.Close(); err != nil {
			report.Say("%v", err)
		}
		r.bound = nil
	}
}

func (r *rig) close() {
	r.stopServer()
	if r.upstream != nil {
		r.upstream.Kill()
	}
}
