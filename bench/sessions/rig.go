package main

import (
	"context"
	"fmt"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/socket"
)

// rig is the programs, and where they are.
type rig struct {
	folder     string
	upstreamAt string
	upstream   *program.Process
	settings   *program.Parley
	server     *program.Process
}

const readyWithin = 60 * time.Second

// newRig builds the programs and starts the upstream.
func newRig(ctx context.Context, folder string, l program.Layout) (*rig, error) {
	built, err := program.Build(ctx, folder, "bench/upstream", "cmd/parley")
	if err != nil {
		return nil, err
	}
	r := &rig{folder: folder}
	if r.upstreamAt, err = program.FreeAddress(); err != nil {
		return nil, err
	}
	if r.settings, err = program.NewParley(built[1], ""); err != nil {
		return nil, err
	}
	r.settings.Cores = l.Server
	r.upstream, err = program.StartLogged(ctx, program.Spec{
		Path: built[0], Args: []string{"-canned", "-listen", r.upstreamAt}, Cores: l.Others,
	}, folder, "http://"+r.upstreamAt+"/healthz", readyWithin)
	return r, err
}

// roomy is a configuration in which the limits of people are none of what is
// measured: there is one tenant, and all come at once.
const roomy = `
http:
  sessions:
    max_per_tenant: 100000
    max_per_address: 100000
    accept_rate: 100000
    message_rate: 1000000
admission:
  max_running: 20000
  max_waiting: 20000
  adaptive: false
providers:
  openai:
    max_connections: 20000
    max_concurrency: 20000
    connect_timeout: 10s
`

// startServer starts a server that remembers nothing of an earlier one.
func (r *rig) startServer(ctx context.Context, config string, env ...string) (err error) {
	r.stopServer()
	r.settings.Config = config
	r.settings.Env = append([]string{"OPENAI_BASE_URL=http://" + r.upstreamAt + "/v1", "OPENAI_API_KEY=canned"}, env...)
	if r.server, err = r.settings.StartFresh(ctx, r.folder, readyWithin); err != nil {
		return err
	}
	return program.Pause(ctx, time.Second)
}

// start starts the server on the data that there is.
func (r *rig) start(ctx context.Context) (err error) {
	r.server, err = r.settings.Start(ctx, r.folder, readyWithin)
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

// perAddress is how many connections come from one address: each has some 28,000
// ports.
const perAddress = 4000

// caller is how connection number n is made.
func (r *rig) caller(n int) socket.Options {
	return socket.Options{Address: r.settings.Address, Key: r.settings.Key, From: fmt.Sprintf("127.0.0.%d", 2+n/perAddress)}
}

// memory is what a server has, in bytes.
type memory struct{ rss, heap, stacks float64 }

// each is what one of so many has of what came since, in KB.
func (m memory) each(before memory, of int) memory {
	per := func(after, before float64) float64 { return round((after - before) / float64(of) / 1000) }
	return memory{per(m.rss, before.rss), per(m.heap, before.heap), per(m.stacks, before.stacks)}
}

// resident is what the server has with its garbage.
func (r *rig) resident() (memory, error) {
	used, err := r.server.Usage()
	return memory{rss: float64(used.RSS)}, err
}

// released is how long a server takes to give what it has freed back to the system.
const released = 6 * time.Second

// collect has the server collect its garbage, and returns what it has in memory once
// the system has got that, and what of its heap and of its stacks is in use.
func (r *rig) collect(ctx context.Context) (m memory, err error) {
	for range 2 { // the first leaves what pools held
		if _, err := program.Fetch(ctx, "http://"+r.settings.Admin+"/debug/pprof/heap?gc=1", ""); err != nil {
			return m, err
		}
	}
	if err := program.Pause(ctx, released); err != nil {
		return m, err
	}
	page, err := program.Scrape(ctx, r.settings.Admin)
	if err != nil {
		return m, err
	}
	m, err = r.resident()
	m.heap, m.stacks = page["go_memstats_heap_inuse_bytes"], page["go_memstats_stack_inuse_bytes"]
	return m, err
}
