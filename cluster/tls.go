package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// nodeName is in the certificate of every node. Nodes know each other by who vouches
// for them, not by addresses, which change.
const nodeName = "node.parley.internal"

// credentialsOf returns how to call other nodes and how to be called by them.
func credentialsOf(c TLSConfig) (grpc.DialOption, grpc.ServerOption, error) {
	if !c.isSet() {
		return grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.Creds(insecure.NewCredentials()), nil
	}
	client, server, err := mutual(c)
	if err != nil {
		return nil, nil, err
	}
	return grpc.WithTransportCredentials(credentials.NewTLS(client)), grpc.Creds(credentials.NewTLS(server)), nil
}

// mutual has either side show a certificate, and ask for the other's.
func mutual(c TLSConfig) (client, server *tls.Config, err error) {
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
