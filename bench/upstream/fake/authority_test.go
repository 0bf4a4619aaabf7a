package fake_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"testing"

	"example.com/parley/bench/upstream/fake"
)

// A client that trusts the authority is answered, and any other is not.
func TestServerSpeaksTLS(t *testing.T) {
	t.Parallel()
	authority, err := fake.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(authority.PEM()) {
		t.Fatal("there is no certificate in what the authority shows")
	}
	c := newClient(t, fake.Config{TLS: authority.TLS()})
	c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	c.mustAsk(chatPath, chat("fake-delay-15ms", `,"stream":true`))
	if _, _, err := c.ask(chatPath, chat("fake-fault-cut", `,"stream":true`)); err == nil {
		t.Error("a reply that was cut came whole")
	}

	stranger := newClient(t, fake.Config{TLS: authority.TLS()})
	_, _, err = stranger.ask(chatPath, chat("fake", ""))
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); !untrusted {
		t.Errorf("a stranger got %v", err)
	}
}
