package session

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are the sessions' collectors.
type Metrics struct {
	Failed prometheus.Counter
}

// NewMetrics registers them.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	return &Metrics{Failed: promauto.With(registerer).NewCounter(prometheus.CounterOpts{
		Name: "chatbot_session_failures_total", Help: "Sessions that ended by a panic, and their connections with them.",
	})}
}
