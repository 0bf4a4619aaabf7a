package shard

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics counts conversations over all shards of a node.
type Metrics struct {
	Awake   prometheus.Gauge
	Woken   prometheus.Counter
	GivenUp prometheus.Counter
}

// NewMetrics registers the collectors.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	factory := promauto.With(registerer)
	return &Metrics{
		Awake: factory.NewGauge(prometheus.GaugeOpts{
			Name: "chatbot_conversations_awake", Help: "Conversations that are in memory.",
		}),
		Woken: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_conversations_woken_total", Help: "Conversations that were started by a message.",
		}),
		GivenUp: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_conversations_given_up_total", Help: "Conversations that were stopped after failing too often.",
		}),
	}
}
