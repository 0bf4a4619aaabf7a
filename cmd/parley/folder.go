package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"example.com/parley/messages"
)

// folder is where a server keeps everything. What is in it, beside the store
// and the ledger:
//
//	lock         held by the process that uses the folder, server or command
//	server.json  where the running server's admin listener is
//	admin-key    the admin key, as long as only the machine's operator may read it
//	node         this server's name among those that share a store
//	first-key    the first tenant's key, so that the first steps can be shown again
type folder string

func (f folder) file(name string) string { return filepath.Join(string(f), name) }

// exists tells whether there is anything at its place.
func (f folder) exists() bool {
	_, err := os.Stat(string(f))
	return !errors.Is(err, fs.ErrNotExist)
}

// make creates the folder if it is not there. What it holds is for its owner.
func (f folder) make() error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return &messages.Failure{
			Code: messages.CodeStoreUnavailable, What: fmt.Sprintf("the data folder %s cannot be made", f),
			Do: "name one that can be written with --data", Cause: err,
		}
	}
	return nil
}

// errInUse says that another process holds a folder's lock.
var errInUse = errors.New("the data folder is in use")

// lock keeps other processes out of the folder until release is called or the
// process ends, however it ends. It fails with errInUse.
func (f folder) lock() (release func(), err error) {
	file, err := os.OpenFile(f.file("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return func() { _ = file.Close() }, nil // closing releases the lock
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errInUse
	}
	return nil, fmt.Errorf("lock the data folder: %w", err)
}

// take makes the folder and locks it for a server.
func (f folder) take() (release func(), err error) {
	if err := f.make(); err != nil {
		return nil, err
	}
	release, err = f.lock()
	if !errors.Is(err, errInUse) {
		return release, err
	}
	what := fmt.Sprintf("another parley uses the data folder %s", f)
	if p, err := f.present(); err == nil {
		what = fmt.Sprintf("a parley with the process id %d serves the data folder %s on %s", p.PID, f, p.Listen)
	}
	return nil, &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: what,
		Do: "stop it, or give this one a folder of its own with --data",
	}
}

// presence is what a running server says of itself.
type presence struct {
	PID     int       `json:"pid"`
	Listen  string    `json:"listen"`
	Admin   string    `json:"admin"`
	Started time.Time `json:"started"`
}

// announce writes where the server is, and withdraw removes it.
func (f folder) announce(s sockets) (withdraw func(), err error) {
	content, err := json.Marshal(presence{
		PID: os.Getpid(), Listen: s.public.Addr().String(), Admin: reachable(s.private.Addr()), Started: time.Now().UTC(),
	})
	if err != nil {
		return nil, fmt.Errorf("announce the server: %w", err)
	}
	if err := f.replace("server.json", append(content, '\n')); err != nil {
		return nil, fmt.Errorf("announce the server: %w", err)
	}
	return func() { _ = os.Remove(f.file("server.json")) }, nil
}

// present returns what the server that holds the lock said of itself.
func (f folder) present() (presence, error) {
	var p presence
	content, err := os.ReadFile(f.file("server.json"))
	if err != nil {
		return p, fmt.Errorf("find the running server: %w", err)
	}
	if err := json.Unmarshal(content, &p); err != nil {
		return p, fmt.Errorf("find the running server: read %s: %w", f.file("server.json"), err)
	}
	return p, nil
}

// keep writes a secret that only its owner may read.
func (f folder) keep(name, secret string) error {
	if err := f.replace(name, []byte(secret+"\n")); err != nil {
		return fmt.Errorf("keep the %s: %w", name, err)
	}
	return nil
}

// kept returns the secret that keep wrote, or "" where there is none.
func (f folder) kept(name string) (string, error) {
	content, err := os.ReadFile(f.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", name, err)
	}
	return strings.TrimSpace(string(content)), nil
}

// node returns a name that no other folder's server has. It stays the same, so that
// a server finds after a crash what it held before.
func (f folder) node() (string, error) {
	name, err := f.kept("node")
	if name != "" || err != nil {
		return name, err
	}
	name = rand.Text()
	return name, f.keep("node", name)
}

// replace writes a file whole or not at all.
func (f folder) replace(name string, content []byte) error {
	temporary, err := os.CreateTemp(string(f), name+".*") // made with mode 0600
	if err != nil {
		return err
	}
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), f.file(name))
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
	}
	return err
}
