//go:build !linux

package http

import "errors"

// poller waits for nothing here: every connection keeps its reading goroutine.
type poller struct{}

func newPoller() (*poller, error) { return &poller{}, nil }

func (*poller) run() {}

func (*poller) close() {}

func (*poller) arm(*line) error { return errors.ErrUnsupported }

func (*poller) forget(*line) {}
