package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"

	"example.com/parley/messages/parking"
)

// dialer makes connections to one server. TLS is never left out where the
// address says https, and never done without looking at the certificate.
type dialer struct {
	address string      // host:port
	tls     *tls.Config // nil for http
	net     net.Dialer
	poller  *parking.Poller // nil where no connection is parked
}

func newDialer(s *Settings, p *parking.Poller) (*dialer, error) {
	u, err := url.Parse(s.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	d := &dialer{address: u.Host, poller: p}
	if s.guarded {
		d.net.Control = refuseReserved
	}
	if u.Port() == "" {
		d.address = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	if u.Scheme == "https" {
		d.tls = &tls.Config{
			ServerName: u.Hostname(), MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
			ClientSessionCache: tls.NewLRUClientSessionCache(0), // a connection after a pause is a round trip cheaper
		}
		if d.tls.RootCAs, err = authorities(s.CAFile); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// authorities reads the certificates to trust; nil are the system's.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file) // #nosec G304 -- the operator's own file
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: there is no certificate in %s: give a PEM file", file)
	}
	return trusted, nil
}

// dial returns a connection with its TLS done. It ends with ctx.
func (d *dialer) dial(ctx context.Context) (*connection, error) {
	dialed, err := d.net.DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	c := new(connection)
	c.raw.Open(dialed, d.poller)
	c.ready = readinessOf(dialed)
	if d.tls == nil {
		c.Conn = &c.raw
		return c, nil
	}
	c.ahead = &ahead{Conn: &c.raw}
	secured := tls.Client(c.ahead, d.tls)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = c.raw.Close()
		return nil, fmt.Errorf("TLS with %s: %w", d.address, err)
	}
	c.Conn = secured
	return c, nil
}
