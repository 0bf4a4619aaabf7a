package main

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"

	"example.com/parley/cluster"
)

// nearbyWorld is a core, and an edge node that reaches it through a network which can
// be cut.
type nearbyWorld struct {
	core, edge *process
	network    *toxiproxy.Proxy
	env        []string // of the edge node
}

// freePort is an address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() //nolint:errcheck // nobody was there
	return ln.Addr().String()
}

// identified is the environment of whom an authority vouches for by a name.
func identified(folder, name string, more ...string) []string {
	return append([]string{
		"PARLEY_CACHE_ENABLED=true", "PARLEY_PROVIDERS_SIMULATED_FIRST_TOKEN=1ms", "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=1ms",
		"PARLEY_CLUSTER_TLS_CA=" + filepath.Join(folder, "ca.pem"),
		"PARLEY_CLUSTER_TLS_CERT=" + filepath.Join(folder, name+".pem"), "PARLEY_CLUSTER_TLS_KEY=" + filepath.Join(folder, name+".key"),
	}, more...)
}

func certificatesFor(t *testing.T) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "certs")
	if err := cluster.WriteCertificates(folder, 2, 1, time.Hour); err != nil {
		t.Fatal(err)
	}
	return folder
}

// startNearby starts both. tolerates is how long the edge node goes on alone.
func startNearby(t *testing.T, tolerates string, core ...string) *nearbyWorld {
	t.Helper()
	folder, address := certificatesFor(t), freePort(t)
	w := &nearbyWorld{core: start(t, launch{env: identified(folder, "node-1", slices.Concat([]string{"PARLEY_EDGE_LISTEN=" + address}, core)...)})}
	w.network = toxicNetwork(t, address)
	w.env = identified(folder, "edge-1", "PARLEY_EDGE_CORES="+w.network.Listen, "PARLEY_EDGE_NAME=nearby", "PARLEY_EDGE_TOLERATES="+tolerates)
	w.startEdge(t, "")
	return w
}

// startEdge starts the edge node, and waits until it is up to date.
func (w *nearbyWorld) startEdge(t *testing.T, data string) {
	t.Helper()
	w.edge = start(t, launch{data: data, arguments: []string{"--edge"}, env: w.env})
	w.edge.key = w.core.key
	eventually(t, "the edge node to be ready", func() bool { return w.edge.readiness() == http.StatusOK })
}

// keepsSome waits until the edge node has the reply to a question.
func (w *nearbyWorld) keepsSome(t *testing.T) {
	t.Helper()
	eventually(t, "a reply to be at the edge", func() bool {
		before := metricLine(w.edge.metrics(), "chatbot_edge_forwarded_total")
		tier, _ := w.edge.tier(sharpen)
		return tier == "exact" && metricLine(w.edge.metrics(), "chatbot_edge_forwarded_total") == before
	})
}

// keeps waits until the edge node has a reply.
func (w *nearbyWorld) keeps(t *testing.T) {
	t.Helper()
	eventually(t, "a reply to be at the edge", func() bool { return metricLine(w.edge.metrics(), "chatbot_cache_entries") == "chatbot_cache_entries 1" })
}

const sharpen = "What is the best way to sharpen a chisel?"

func TestAnEdgeNodeForwardsAndAnswersFromItsCache(t *testing.T) {
	t.Parallel()
	w := startNearby(t, "60s")
	status, header, said := w.edge.asks("/v1/chat/completions", chatOf(sharpen))
	if status != http.StatusOK || header.Get("x-parley-cache") != "miss" || header.Get("x-parley-edge") != "nearby" || !strings.Contains(said, `"chat.completion"`) {
		t.Fatalf("the first: %d %v %s", status, header, said)
	}
	w.keeps(t)
	forwarded := func() string { return metricLine(w.edge.metrics(), "chatbot_edge_forwarded_total") }
	before := forwarded()
	for body, want := range map[string]string{
		chatOf(sharpen): "exact", chatOf("How do I sharpen a chisel?"): "semantic",
		`{"model":"simulated/m","stream":true,"messages":[{"role":"user","content":"` + sharpen + `"}]}`: "exact",
	} {
		status, header, said := w.edge.asks("/v1/chat/completions", body)
		if status != http.StatusOK || header.Get("x-parley-cache") != want || header.Get("x-parley-edge") != "nearby" {
			t.Errorf("%s: %d %v %s, want a hit of tier %s", body, status, header, said, want)
		}
	}
	if after := forwarded(); after != before {
		t.Errorf("hits were forwarded: %s, before %s", after, before)
	}
	eventually(t, "the hits to be billed at the core", func() bool {
		return strings.Contains(w.core.operate(http.MethodGet, "/admin/usage?group_by=cache_tier", "").body, `"cache_tier":"semantic"`)
	})
}

// metricLine is a metric without labels.
func metricLine(text, name string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, name+" ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func TestAnEdgeNodeForwardsAllOfTheAPI(t *testing.T) {
	t.Parallel()
	w := startNearby(t, "60s")
	conversation := w.edge.post("/v1/conversations", w.edge.key, `{}`).id(t)
	response := w.edge.post("/v1/responses", w.edge.key, `{"model":"simulated/m","input":"hello","conversation":"`+conversation+`"}`).id(t)
	w.edge.wants(w.edge.get("/v1/responses/"+response, w.edge.key), 200, `"completed"`)
	w.edge.wants(w.edge.post("/v1/responses", w.edge.key, `{"model":"simulated/m","input":"more","previous_response_id":"`+response+`"}`), 200, `"completed"`)
	w.edge.wants(w.edge.get("/v1/models", w.edge.key), 200, `"simulated/`)
	w.edge.wants(w.edge.get("/v1/usage", w.edge.key), 200, `"object"`)
	w.edge.wants(w.edge.post("/v1/responses", w.edge.key, `{"model":"nobody/has-it","input":"x","store":false}`), 404, `model_not_found`)
	w.edge.wants(w.edge.get("/v1/models", "pk_wrong_canary-secret"), 401, `invalid_api_key`)
	_, header, _ := w.edge.asks("/v1/chat/completions", chatOf("once"), "Idempotency-Key", "k1")
	_, again, _ := w.edge.asks("/v1/chat/completions", chatOf("once"), "Idempotency-Key", "k1")
	if header.Get("x-request-id") == "" || again.Get("x-parley-edge") != "nearby" {
		t.Errorf("%v %v", header, again)
	}
	stream := w.edge.open(w.edge.key, `{"model":"simulated/m","stream":true,"messages":[{"role":"user","content":"a stream"}]}`)
	events, err := io.ReadAll(stream.Body)
	_ = stream.Body.Close()
	if err != nil || !strings.HasSuffix(string(events), "data: [DONE]\n\n") {
		t.Errorf("%v %s", err, events)
	}
	for path, code := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/admin/tenants": 404, "/admin/cluster": 404} {
		if got := w.edge.do(http.MethodGet, "http://"+w.edge.admin+path, "", ""); got.status != code {
			t.Errorf("%s at the edge: %d %s", path, got.status, got.body)
		}
	}
	w.core.wants(w.core.operate(http.MethodGet, "/admin/cluster", ""), 200, `"name":"nearby"`)
}
