package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// call asks what is at a site, as a server would that trusts whom it should.
func call(t *testing.T, s *site) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	body := strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"hi"}]}`)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url()+"/chat/completions", body)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	if s.trusted != nil {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(s.trusted.PEM())
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	reply, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		return errors.New(reply.Status)
	}
	return nil
}

func TestSiteFailsAndIsHealed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault fault
		fails func(error) bool
	}{
		"status": {
			fault{terms: "fault-500"},
			func(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "500") },
		},
		"slow":       {fault{terms: "delay-10s"}, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		"refused":    {fault{address: unheard}, func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }},
		"black hole": {fault{address: silent}, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		"impostor": {fault{address: impostor}, func(err error) bool {
			_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
			return untrusted
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := newSite(tt.fault)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			for range 2 { // it fails again after it was healed
				if err := s.fail(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := call(t, s); !tt.fails(err) {
					t.Errorf("it fails with %v", err)
				}
				if err := s.heal(t.Context()); err != nil {
					t.Fatal(err)
				}
				if s.served() {
					t.Error("it served before it was asked")
				}
				if err := call(t, s); err != nil || !s.served() {
					t.Errorf("after it was healed: %v, served %t", err, s.served())
				}
			}
		})
	}
}
