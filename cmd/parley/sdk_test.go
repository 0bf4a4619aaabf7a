package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/parley/bench/upstream/fake"
)

// clientsServer is a server for the official clients: both its providers are
// one fake, which behaves as the model's name says.
func clientsServer(t *testing.T, env ...string) (*process, *fake.Server) {
	t.Helper()
	upstream := fake.ForTest(t, fake.Config{})
	upstreamURL := "http://" + upstream.Address()
	config := filepath.Join(t.TempDir(), "parley.yaml")
	writeFile(t, config, "models:\n  assistant:\n    - target: openai/fake\n    - target: anthropic/claude-fake\n")
	p := start(t, launch{
		arguments: []string{"--config", config},
		env: append([]string{
			"OPENAI_API_KEY=upstream", "OPENAI_BASE_URL=" + upstream.URL(),
			"ANTHROPIC_API_KEY=upstream", "ANTHROPIC_BASE_URL=" + upstreamURL,
			// Faults are asked for, many times: no breaker shall open over them.
			"PARLEY_PROVIDERS_OPENAI_BREAKER_FAILURES=1000", "PARLEY_PROVIDERS_ANTHROPIC_BREAKER_FAILURES=1000",
			"PARLEY_KEYS_MAX_TRIES=0",
		}, env...),
	})
	return p, upstream
}

// clientTimeout bounds a client's whole suite.
const clientTimeout = 3 * time.Minute

// runClient runs a suite of an official client against a server of its own.
// It passes when the suite does, and has run the tests that ran counts.
func runClient(t *testing.T, ran *regexp.Regexp, program string, arguments ...string) {
	t.Helper()
	server, upstream := clientsServer(t)
	runClientAt(t, server, upstream, ran, program, arguments...)
}

// runClientAt runs it against a server that there is.
func runClientAt(t *testing.T, server *process, upstream *fake.Server, ran *regexp.Regexp, program string, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, arguments...)
	cmd.Env = append(os.Environ(),
		"PARLEY_BASE_URL="+server.url+"/v1", "PARLEY_KEY="+server.key, "FAKE_URL=http://"+upstream.Address(),
		"PYTHONDONTWRITEBYTECODE=1",
	)
	out, err := cmd.CombinedOutput()
	if err == nil && !ran.Match(out) {
		err = fmt.Errorf("no test ran: there is no %q in what it says", ran)
	}
	if err != nil {
		t.Errorf("%s: %v\n%s\nthe server's log:\n%s", strings.Join(arguments, " "), err, out, server.log)
	}
}

// needed returns what `make test` set up for the tests.
func needed(t *testing.T, variable string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Fatalf("%s is not set: run make test PKG=./cmd/parley, which installs the official clients and sets it", variable)
	}
	return value
}

func TestOfficialPythonClient(t *testing.T) {
	t.Parallel()
	runClient(t, regexp.MustCompile(`Ran [1-9]\d* tests`), needed(t, "PARLEY_TEST_PYTHON"), "testdata/sdk/python/client_test.py")
}

// The official client finds at an edge node what it finds at the core.
func TestOfficialPythonClientAtAnEdgeNode(t *testing.T) {
	t.Parallel()
	folder, address := certificatesFor(t), freePort(t)
	core, upstream := clientsServer(t, identified(folder, "node-1", "PARLEY_EDGE_LISTEN="+address, "PARLEY_CACHE_ENABLED=false")...)
	w := &nearbyWorld{core: core, env: identified(folder, "edge-1", "PARLEY_EDGE_CORES="+address, "PARLEY_KEYS_MAX_TRIES=0")}
	w.startEdge(t, "")
	runClientAt(t, w.edge, upstream, regexp.MustCompile(`Ran [1-9]\d* tests`), needed(t, "PARLEY_TEST_PYTHON"), "testdata/sdk/python/client_test.py")
}

func TestOfficialNodeClient(t *testing.T) {
	t.Parallel()
	needed(t, "PARLEY_TEST_NODE_MODULES")
	runClient(t, regexp.MustCompile(`pass [1-9]\d*`), needed(t, "PARLEY_TEST_NODE"), "--test", "testdata/sdk/node/client.test.mjs")
}
