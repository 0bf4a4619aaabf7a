package main

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// newRegistry returns a registry that tells about the process itself. All parts
// register their own metrics with it.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	v := builtFrom()
	built := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "parley_build_info", Help: "Always 1; the labels say what the server was built from.",
		ConstLabels: prometheus.Labels{"version": v.Module, "commit": v.Commit, "go": runtime.Version()},
	})
	built.Set(1)
	registry.MustRegister(built, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}
