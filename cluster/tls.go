package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// nodeName is in the certificate of every node. Nodes know each other by who vouches
// for them, not by addresses, which change.
const nodeName = "node.parley.internal"

// edgeName is in that of an edge node, which may call nodes of the core and is not
// one.
const edgeName = "edge.parley.internal"

// onlyNodes refuses whom the authority vouches for as something else: an edge node
// asks the core for what it needs, and is not to bring it turns.
func onlyNodes(state tls.ConnectionState) error {
	if err := state.PeerCertificates[0].VerifyHostname(nodeName); err != nil {
		return fmt.Errorf("the certificate is no node's: %w", err)
	}
	return nil
}

// Mutual has either side show a certificate, and ask for the other's: client calls a
// node, server is called by whom the authority vouches for.
func Mutual(c TLSConfig) (client, server *tls.Config, err error) {
	own, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, nil, fmt.Errorf("read cluster.tls.cert and cluster.tls.key: %w", err)
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, nil, fmt.Errorf("read cluster.tls.ca: %w", err)
	}
	vouching := x509.NewCertPool()
	if !vouching.AppendCertsFromPEM(text) {
		return nil, nil, errNoCertificate
	}
	client = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, RootCAs: vouching, ServerName: nodeName}
	server = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, ClientCAs: vouching, ClientAuth: tls.RequireAndVerifyClientCert}
	return client, server, nil
}

var errNoCertificate = errors.New("cluster.tls.ca has no certificate in it: give a PEM file, such as `parley cluster certs` makes")

// Credentials is how to reach etcd; nil where nothing is set, which is without TLS, or by
// what the machine trusts.
func (c EtcdConfig) Credentials() (*tls.Config, error) {
	if c.TLS == (TLSConfig{}) {
		return nil, nil //nolint:nilnil // there is none
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS.CA != "" {
		text, err := os.ReadFile(c.TLS.CA)
		if err != nil {
			return nil, fmt.Errorf("read cluster.etcd.tls.ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(text) {
			return nil, errNoCertificate
		}
	}
	if c.TLS.Cert != "" {
		own, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
		if err != nil {
			return nil, fmt.Errorf("read cluster.etcd.tls.cert and cluster.etcd.tls.key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{own}
	}
	return cfg, nil
}
