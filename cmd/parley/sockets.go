package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	parleyhttp "example.com/parley/http"
	"example.com/parley/http/admin"
	"example.com/parley/messages"
	"example.com/parley/messages/parking"
)

// sockets are what the server listens on. They are taken before anything else
// is begun, so that a port in use is said at once; who connects early waits.
type sockets struct {
	public, private net.Listener
	poller          *parking.Poller // for the connections that nobody reads
}

func listen(ctx context.Context, cfg *Config) (s sockets, err error) {
	if s.public, err = listenOn(ctx, cfg.HTTP.Listen, "http.listen", "--listen"); err != nil {
		return sockets{}, err
	}
	if s.private, err = listenOn(ctx, cfg.Admin.Listen, "admin.listen", "--admin-listen"); err != nil {
		_ = s.public.Close()
		return sockets{}, err
	}
	if s.poller, err = parking.NewPoller(); err != nil {
		s.close()
		return sockets{}, fmt.Errorf("wait for connections: %w", err)
	}
	return s, nil
}

func listenOn(ctx context.Context, address, key, flag string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err == nil {
		return listener, nil
	}
	failure := &messages.Failure{
		Code: messages.CodeInvalidRequest, What: fmt.Sprintf("%s cannot be listened on", address),
		Do: fmt.Sprintf("choose another address with %s or %s", flag, key), Cause: err,
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		failure.What = fmt.Sprintf("another program listens on %s already", address)
		failure.Do = "stop it, or " + failure.Do
		failure.Cause = nil
	case errors.Is(err, syscall.EACCES):
		failure.What = fmt.Sprintf("this user may not listen on %s", address)
		failure.Cause = nil
	}
	return nil, failure
}

// close closes what no server has closed.
func (s sockets) close() {
	_ = s.public.Close()
	_ = s.private.Close()
	if s.poller != nil {
		s.poller.Close()
	}
}

// serve returns what answers clients until its context ends.
func (s sockets) serve(server *parleyhttp.Server) func(context.Context) error {
	return func(ctx context.Context) error { return server.Run(ctx, s.public) }
}

// serveAdmin returns what answers operators until its context ends.
func (s sockets) serveAdmin(server *admin.Server) func(context.Context) error {
	return func(ctx context.Context) error { return server.Run(ctx, s.private) }
}
