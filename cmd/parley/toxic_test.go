package main

import (
	"context"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// toxicNetwork returns a proxy in front of an upstream, through which a provider
// is reached. Each toxic is one of toxiproxy's in its own JSON, such as
// {"type":"latency","attributes":{"latency":50}}, and works on what the
// provider says unless it names another stream.
func toxicNetwork(t *testing.T, upstream string, toxics ...string) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", upstream)
	for _, toxic := range toxics {
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatalf("%s: %v", toxic, err)
		}
	}
	enable(t, proxy)
	t.Cleanup(func() {
		proxy.Toxics.ResetToxics(context.WithoutCancel(t.Context()))
		proxy.Stop()
	})
	return proxy
}

// enable lets connections through that [toxiproxy.Proxy.Stop] cut and refused.
func enable(t *testing.T, proxy *toxiproxy.Proxy) {
	t.Helper()
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
}
