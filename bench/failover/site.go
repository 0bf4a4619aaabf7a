package main

import (
	"context"
	"fmt"
	"io"

	"example.com/parley/bench/program"
	"example.com/parley/bench/upstream/fake"
)

// site is the address of a provider that fails and is healed. One goroutine uses
// it.
type site struct {
	fault    fault
	address  string
	trusted  *fake.Authority // that vouches for it where it speaks TLS, else nil
	stranger *fake.Authority // that vouches for the impostor
	server   *fake.Server    // nil while there is none
	hole     io.Closer       // nil while there is none
}

func newSite(f fault) (*site, error) {
	address, err := program.FreeAddress()
	if err != nil {
		return nil, err
	}
	s := &site{fault: f, address: address}
	if f.address != impostor {
		return s, nil
	}
	if s.trusted, err = fake.NewAuthority(); err != nil {
		return nil, err
	}
	s.stranger, err = fake.NewAuthority()
	return s, err
}

// url is what the server is told of the provider.
func (s *site) url() string {
	scheme, path := "http://", "/v1"
	if s.trusted != nil {
		scheme = "https://"
	}
	if s.fault.kind == anthropic {
		path = ""
	}
	return scheme + s.address + path
}

// fail begins the fault.
func (s *site) fail(ctx context.Context) (err error) {
	if s.fault.address != serving {
		s.close()
	}
	switch s.fault.address {
	case unheard:
		return nil
	case silent:
		s.hole, err = fake.OpenBlackHole(ctx, s.address)
		return err
	case impostor:
		return s.serve(ctx, s.stranger)
	default:
		return s.behave(ctx, s.fault.terms)
	}
}

// heal ends the fault.
func (s *site) heal(ctx context.Context) error {
	if s.fault.address != serving {
		s.close()
		return s.serve(ctx, s.trusted)
	}
	err := s.behave(ctx, healed)
	s.server.ResetCalls()
	return err
}

// healed is how a fake behaves that does nothing wrong.
const healed = "fault-none-delay-0s"

// behave has the fake at the address behave as the terms say.
func (s *site) behave(ctx context.Context, terms string) error {
	if s.server == nil {
		if err := s.serve(ctx, nil); err != nil {
			return err
		}
	}
	return s.server.Switch("", terms)
}

func (s *site) serve(ctx context.Context, vouched *fake.Authority) error {
	cfg := fake.Config{Address: s.address}
	if vouched != nil {
		cfg.TLS = vouched.TLS()
	}
	s.server = fake.New(cfg)
	if err := s.server.Start(ctx); err != nil {
		s.server = nil
		return fmt.Errorf("serve at the address of %s: %w", s.fault.name, err)
	}
	return nil
}

// served tells whether a call came since the fault ended.
func (s *site) served() bool { return s.server.Calls().Calls > 0 }

// close leaves nobody at the address.
func (s *site) close() {
	if s.server != nil {
		_ = s.server.Close() // what it was in the middle of is of no use
		s.server = nil
	}
	if s.hole != nil {
		_ = s.hole.Close()
		s.hole = nil
	}
}
