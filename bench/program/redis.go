package program

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"time"
)

// Redis is a Redis of a benchmark's own, which writes nothing to disk: a new start
// finds it empty. It is used by one goroutine.
type Redis struct {
	URL string

	spec    Spec
	address string // host:port
	folder  string // of its log
	process *Process
}

// redisWithin is for a start.
const redisWithin = 20 * time.Second

// NewRedis returns one that is to listen at address, with its log in folder. through
// are words that it is started by, such as those that enter a network namespace.
func NewRedis(folder, address string, through ...string) (*Redis, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("there is no Redis on this machine, install the package redis-server: %w", err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("read where Redis is to listen: %w", err)
	}
	return &Redis{
		URL: "redis://" + address + "/0", address: address, folder: folder,
		spec: Spec{
			Path: path, Through: through,
			Args: []string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--protected-mode", "no", "--dir", folder},
		},
	}, nil
}

// Start starts it, empty, and returns once it takes connections.
func (r *Redis) Start(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	if r.process, err = startLogged(r.spec, r.folder); err != nil {
		return err
	}
	return r.process.await(ctx, func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.address)
		if err == nil {
			err = conn.Close()
		}
		return err
	})
}

// Kill ends it with all its connections.
func (r *Redis) Kill() {
	if r.process != nil {
		r.process.Kill()
	}
}
