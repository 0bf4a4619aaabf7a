//go:build !linux

package parking

import (
	"context"
	"errors"
)

// Poller waits for nothing here: every connection keeps the goroutine that reads it.
type Poller struct{}

// NewPoller returns a poller that parks nothing.
func NewPoller() (*Poller, error) { return &Poller{}, nil }

// Run waits for the end of ctx.
func (*Poller) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Close does nothing.
func (*Poller) Close() {}

func (*Poller) arm(*Conn) error { return errors.ErrUnsupported }

func (*Poller) forget(*Conn) {}
