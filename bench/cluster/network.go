package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// host is where a program runs: an address of its own.
type host struct {
	name    string
	address string   // an IPv4 address
	through []string // words that a program is started by to be there
}

// network is hosts that reach each other, until that is cut. Where it has no
// namespaces nothing can be.
type network struct {
	prefix string // of the namespaces' names; empty where there are none
	hosts  map[string]*host
	cuts   []cut
}

// cut is what one host sends to another and is lost.
type cut struct{ from, to *host }

// namespace is what a child of this program finds the network's prefix in.
const namespace = "BENCH_CLUSTER_NETWORK"

const (
	clientsHost = "clients"
	storeHost   = "store" // of PostgreSQL, Redis and the upstream
	device      = "eth0"
)

func nodeHost(i int) string { return fmt.Sprintf("node-%d", i+1) }

// hostNames are all hosts of a run with so many nodes.
func hostNames(nodes int) []string {
	names := append(make([]string, 0, 3+nodes), clientsHost, storeHost, edgeHost)
	for i := range nodes {
		names = append(names, nodeHost(i))
	}
	return names
}

// newNetwork describes hosts; prefix is empty for those on loopback.
func newNetwork(prefix string, names []string) *network {
	n := &network{prefix: prefix, hosts: make(map[string]*host)}
	for i, name := range names {
		h := &host{name: name, address: fmt.Sprintf("127.0.0.%d", 10+i)}
		if prefix != "" {
			h.address, h.through = fmt.Sprintf("10.77.0.%d", 10+i), []string{"ip", "netns", "exec", prefix + name}
		}
		n.hosts[name] = h
	}
	return n
}

// build makes the namespaces: one a host, and one with the bridge between them. They
// are this program's own, and close takes them away.
func (n *network) build(ctx context.Context) error {
	bridge := n.prefix + "switch"
	err := ipAll(ctx, []string{"netns", "add", bridge}, []string{"-n", bridge, "link", "add", "br0", "type", "bridge"}, []string{"-n", bridge, "link", "set", "br0", "up"})
	for _, h := range n.hosts {
		if err != nil {
			break
		}
		space, port := n.prefix+h.name, "p-"+h.name
		err = ipAll(ctx,
			[]string{"netns", "add", space},
			[]string{"link", "add", device, "netns", space, "type", "veth", "peer", "name", port, "netns", bridge},
			[]string{"-n", bridge, "link", "set", port, "master", "br0", "up"},
			[]string{"-n", space, "address", "add", h.address + "/24", "dev", device},
			[]string{"-n", space, "link", "set", device, "up"},
			[]string{"-n", space, "link", "set", "lo", "up"},
		)
	}
	if err != nil {
		return errors.Join(err, n.close(ctx))
	}
	return nil
}

func (n *network) close(ctx context.Context) error {
	var faults []error
	for _, name := range append([]string{"switch"}, hostsOf(n)...) {
		if _, err := os.Stat("/run/netns/" + n.prefix + name); err == nil {
			faults = append(faults, ip(context.WithoutCancel(ctx), "netns", "delete", n.prefix+name))
		}
	}
	return errors.Join(faults...)
}

func hostsOf(n *network) (names []string) {
	for name := range n.hosts {
		names = append(names, name)
	}
	return names
}

// canCut tells whether the network can be taken apart.
func (n *network) canCut() bool { return n.prefix != "" }

// cut has all be lost that from sends to others, without a word: its packets go to
// a card that nobody has. What the others send arrives.
func (n *network) cut(ctx context.Context, from *host, others ...*host) error {
	for _, to := range others {
		if err := ip(ctx, "-n", n.prefix+from.name, "neighbor", "replace", to.address, "lladdr", "02:00:00:00:de:ad", "nud", "permanent", "dev", device); err != nil {
			return err
		}
		n.cuts = append(n.cuts, cut{from, to})
	}
	return nil
}

// part cuts both ways between two groups.
func (n *network) part(ctx context.Context, here, there []*host) error {
	for _, h := range here {
		if err := n.cut(ctx, h, there...); err != nil {
			return err
		}
	}
	for _, h := range there {
		if err := n.cut(ctx, h, here...); err != nil {
			return err
		}
	}
	return nil
}

// heal ends every cut.
func (n *network) heal(ctx context.Context) error {
	faults := make([]error, 0, len(n.cuts))
	for _, c := range n.cuts {
		faults = append(faults, ip(ctx, "-n", n.prefix+c.from.name, "neighbor", "delete", c.to.address, "dev", device))
	}
	n.cuts = nil
	return errors.Join(faults...)
}

// ipAll does one after the other, until one fails.
func ipAll(ctx context.Context, lines ...[]string) error {
	for _, words := range lines {
		if err := ip(ctx, words...); err != nil {
			return err
		}
	}
	return nil
}

func ip(ctx context.Context, words ...string) error {
	command := exec.CommandContext(ctx, "ip", words...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(words, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// mayBuild tells whether this program may make namespaces.
func mayBuild() bool {
	_, err := exec.LookPath("ip")
	return err == nil && os.Geteuid() == 0
}

// enter makes a network and runs this program once more, where its clients are. It
// returns that one's exit status.
func enter(ctx context.Context, nodes int, arguments []string) (status int, err error) {
	n := newNetwork(fmt.Sprintf("parley-bench-%d-", os.Getpid()), hostNames(nodes))
	if err := n.build(ctx); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, n.close(ctx)) }()
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find this program: %w", err)
	}
	words := n.hosts[clientsHost].through
	child := exec.CommandContext(ctx, words[0], append(words[1:len(words):len(words)], append([]string{self}, arguments...)...)...)
	child.Env = append(os.Environ(), namespace+"="+n.prefix)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	child.WaitDelay = stopPatience
	err = child.Run()
	if exit, ended := errors.AsType[*exec.ExitError](err); ended {
		return exit.ExitCode(), nil
	}
	return 0, err
}
