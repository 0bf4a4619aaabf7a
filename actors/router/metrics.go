package router

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics counts requests that found no target. Those that found one are
// counted where they are served.
type metrics struct{ unknown, refused, forbidden prometheus.Counter }

func newMetrics(registerer prometheus.Registerer) *metrics {
	failures := promauto.With(registerer).NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_route_failures_total", Help: "Requests without a target, by why: the model is unknown, all its providers are left alone, or the key may not use it.",
	}, []string{"reason"})
	return &metrics{unknown: failures.WithLabelValues("unknown_model"), refused: failures.WithLabelValues("unavailable"), forbidden: failures.WithLabelValues("not_allowed")}
}
