package edge

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics counts what goes between an edge node and the core.
type metrics struct {
	events    prometheus.Counter
	forwarded prometheus.Counter
	broken    prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer, n *Node) *metrics {
	factory := promauto.With(registerer)
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chatbot_edge_age_seconds", Help: "How old what this edge node knows of the core may be; -1 before it knows anything.",
	}, func() float64 {
		if age, known := n.age(); known {
			return age.Seconds()
		}
		return -1
	})
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chatbot_edge_behind", Help: "Events of the core's cache that this edge node has not taken yet.",
	}, func() float64 { return float64(n.behind.Load()) })
	counter := func(name, help string) prometheus.Counter {
		return factory.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &metrics{
		events:    counter("chatbot_edge_events_total", "Events of the core's cache that this edge node took."),
		forwarded: counter("chatbot_edge_forwarded_total", "Requests that the core answered for this edge node."),
		broken:    counter("chatbot_edge_broken_total", "Requests that were lost on their way to the core, or with it."),
	}
}
