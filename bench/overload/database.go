package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"example.com/parley/bench/program"
)

// database is an empty one with a role of its own, in a PostgreSQL that is there.
type database struct {
	url    string
	name   string
	server string // URL of who may make and drop it
}

// newDatabase makes it with psql.
func newDatabase(ctx context.Context, server string) (*database, error) {
	at, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("-postgres is no URL")
	}
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	d := &database{server: server, name: "parley_bench_" + hex.EncodeToString(random)}
	for _, statement := range []string{
		"CREATE ROLE " + d.name + " LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '" + d.name + "'",
		"CREATE DATABASE " + d.name + " OWNER " + d.name,
	} {
		if err := d.run(ctx, statement); err != nil {
			return d, err
		}
	}
	at.User, at.Path = url.UserPassword(d.name, d.name), "/"+d.name
	d.url = at.String()
	return d, nil
}

func (d *database) run(ctx context.Context, statement string) error {
	said, err := exec.CommandContext(ctx, "psql", "--quiet", "--no-psqlrc", "--command", statement, d.server).CombinedOutput() // #nosec G204 -- the benchmark's own words
	if err != nil {
		return fmt.Errorf("psql: %w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}

func (d *database) drop(ctx context.Context) {
	ctx, release := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // also when the run was interrupted
	defer release()
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + d.name + " WITH (FORCE)", "DROP ROLE IF EXISTS " + d.name} {
		_ = d.run(ctx, statement) // what is left is an empty database
	}
}

func split(address string) (host, port string) {
	host, port, _ = net.SplitHostPort(address) // of FreeAddress
	return host, port
}

// awaitListener waits until somebody listens.
func awaitListener(ctx context.Context, address string) error {
	const patience = 200
	dialer := net.Dialer{Timeout: time.Second}
	var last error
	for range patience {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		last = err
		if err := program.Pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return last
}
