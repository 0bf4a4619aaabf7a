package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// WriteCertificates makes an authority and certificates of so many nodes and edge
// nodes, which are good for as long as said, in a folder: ca.pem, ca.key, node-1.pem,
// node-1.key, edge-1.pem and so on. It replaces none that is there. The authority's
// key is needed for further nodes alone.
func WriteCertificates(folder string, nodes, edges int, good time.Duration) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", folder, err)
	}
	authority, err := newAuthority(good)
	if err != nil {
		return err
	}
	if err := authority.write(folder, "ca"); err != nil {
		return err
	}
	for i := range nodes {
		if err := authority.issue(folder, fmt.Sprintf("node-%d", i+1), nodeName, good, x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth); err != nil {
			return err
		}
	}
	for i := range edges {
		if err := authority.issue(folder, fmt.Sprintf("edge-%d", i+1), edgeName, good, x509.ExtKeyUsageClientAuth); err != nil {
			return err
		}
	}
	return nil
}

// identity is a certificate with its key.
type identity struct {
	certificate *x509.Certificate
	raw         []byte
	key         *ecdsa.PrivateKey
}

func newAuthority(good time.Duration) (*identity, error) {
	template := certificateOf("Parley cluster", good)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	return sign(template, nil)
}

// issue writes a certificate for what is to be known by a name: a node both calls
// others and is called, an edge node calls.
func (i *identity) issue(folder, file, known string, good time.Duration, uses ...x509.ExtKeyUsage) error {
	template := certificateOf(file, good)
	template.DNSNames = []string{known}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, uses
	made, err := sign(template, i)
	if err != nil {
		return err
	}
	return made.write(folder, file)
}

// clocksApart is how far the clocks of nodes may differ.
const clocksApart = time.Hour

func certificateOf(name string, good time.Duration) *x509.Certificate {
	now := time.Now()
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // crypto/rand does not fail
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-clocksApart), NotAfter: now.Add(good),
	}
}

// sign has the authority vouch for the template; without one it vouches for itself.
func sign(template *x509.Certificate, authority *identity) (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	parent, parentKey := template, key
	if authority != nil {
		parent, parentKey = authority.certificate, authority.key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate of %s: %w", template.Subject.CommonName, err)
	}
	return &identity{certificate: template, raw: raw, key: key}, nil
}

func (i *identity) write(folder, name string) error {
	key, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		return fmt.Errorf("write the key of %s: %w", name, err)
	}
	if err := writePEM(filepath.Join(folder, name+".key"), "PRIVATE KEY", key, 0o600); err != nil {
		return err
	}
	return writePEM(filepath.Join(folder, name+".pem"), "CERTIFICATE", i.raw, 0o644)
}

func writePEM(path, kind string, content []byte, mode os.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode) // #nosec G304 -- the operator names the folder
	if err != nil {
		return err
	}
	if err := pem.Encode(file, &pem.Block{Type: kind, Bytes: content}); err != nil {
		_ = file.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	return file.Close()
}
