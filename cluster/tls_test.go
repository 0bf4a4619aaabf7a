package cluster_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.com/parley/cluster"
)

// certified is a node by the files of a folder.
func certified(t *testing.T, folder, name string) (client, server *tls.Config) {
	t.Helper()
	client, server, err := cluster.Mutual(cluster.TLSConfig{
		CA: filepath.Join(folder, "ca.pem"), Cert: filepath.Join(folder, name+".pem"), Key: filepath.Join(folder, name+".key"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

// calls has one node call another, and says something.
func calls(t *testing.T, client, server *tls.Config) error {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nobody uses it any more
	heard := make(chan outcome, 1)
	go func() { // ends with the listener
		conn, err := listener.Accept()
		if err == nil {
			_, err = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
		heard <- outcome{err}
	}()
	conn, err := (&tls.Dialer{Config: client}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err == nil {
		_, err = conn.Write([]byte("x"))
		defer conn.Close() //nolint:errcheck // likewise
	}
	if err != nil {
		_ = listener.Close()
		<-heard
		return err
	}
	return (<-heard).err
}

func authority(t *testing.T) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "certs")
	if err := cluster.WriteCertificates(folder, 2, 1, time.Hour); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestNodesOfOneAuthorityTalkAndOthersDoNot(t *testing.T) {
	t.Parallel()
	ours, others := authority(t), authority(t)
	first, _ := certified(t, ours, "node-1")
	_, second := certified(t, ours, "node-2")
	if err := calls(t, first, second); err != nil {
		t.Errorf("two nodes of one authority: %v", err)
	}
	stranger, strange := certified(t, others, "node-1")
	if calls(t, stranger, second) == nil || calls(t, first, strange) == nil {
		t.Error("a node of another authority was let in, or called")
	}
	nobody := stranger.Clone()
	nobody.RootCAs, nobody.Certificates = first.RootCAs, nil
	if calls(t, nobody, second) == nil {
		t.Error("somebody without a certificate was let in")
	}
}

// An edge node may ask the core, and is no node: its key is kept in less guarded places.
func TestEdgeNodesAreNoNodes(t *testing.T) {
	t.Parallel()
	folder := authority(t)
	node, core := certified(t, folder, "node-1")
	edge, _ := certified(t, folder, "edge-1")
	if err := calls(t, edge, core); err != nil {
		t.Errorf("an edge node calls the core: %v", err)
	}
	core.VerifyConnection = cluster.OnlyNodes
	if err := calls(t, node, core); err != nil {
		t.Errorf("a node calls another: %v", err)
	}
	if calls(t, edge, core) == nil {
		t.Error("an edge node was let in where nodes speak")
	}
}

func TestKeysAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	folder := authority(t)
	for _, name := range []string{"ca.key", "node-1.key", "node-2.key"} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if cluster.WriteCertificates(folder, 2, 1, time.Hour) == nil {
		t.Error("an authority that is in use was replaced")
	}
}
