package main

import (
	"context"
	"errors"
	"time"

	"example.com/parley/bench/program"
)

// rig is the three programs and where they are.
type rig struct {
	folder string
	layout layout
	files  struct{ upstream, bareproxy string }

	settings                    *program.Parley // of the server
	upstreamAt, bareproxyAt     string
	upstream, bareproxy, server *program.Process
}

const readyWithin = 30 * time.Second

// newRig builds the programs and starts the upstream and the bare proxy.
func newRig(ctx context.Context, folder string, l layout) (*rig, error) {
	r := &rig{folder: folder, layout: l}
	built, err := program.Build(ctx, folder, "bench/upstream", "bench/bareproxy", "cmd/parley")
	if err != nil {
		return nil, err
	}
	r.files.upstream, r.files.bareproxy = built[0], built[1]
	for _, address := range []*string{&r.upstreamAt, &r.bareproxyAt} {
		if *address, err = program.FreeAddress(); err != nil {
			return nil, err
		}
	}
	if r.settings, err = program.NewParley(built[2], ""); err != nil {
		return nil, err
	}
	r.settings.Cores = l.Proxy
	r.settings.Env = []string{"OPENAI_BASE_URL=http://" + r.upstreamAt + "/v1", "OPENAI_API_KEY=canned"}
	if err := errors.Join(r.startUpstream(ctx), r.startBareproxy(ctx)); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *rig) startUpstream(ctx context.Context) (err error) {
	r.upstream, err = program.StartLogged(ctx, program.Spec{
		Path: r.files.upstream, Args: []string{"-canned", "-listen", r.upstreamAt}, Cores: r.layout.Upstream,
	}, r.folder, "http://"+r.upstreamAt+"/healthz", readyWithin)
	return err
}

func (r *rig) startBareproxy(ctx context.Context) (err error) {
	r.bareproxy, err = program.StartLogged(ctx, program.Spec{
		Path: r.files.bareproxy, Args: []string{"-listen", r.bareproxyAt, "-upstream", r.upstreamAt}, Cores: r.layout.Proxy,
	}, r.folder, "http://"+r.bareproxyAt+"/healthz", readyWithin)
	return err
}

// startServer starts a server that remembers nothing of an earlier one. config
// is YAML.
func (r *rig) startServer(ctx context.Context, config string) (err error) {
	r.stopServer()
	r.settings.Config = config
	r.server, err = r.settings.StartFresh(ctx, r.folder, readyWithin)
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
		{direct, r.upstreamAt, r.upstream}, {bareproxy, r.bareproxyAt, r.bareproxy}, {server, r.settings.Address, r.server},
	}
}
