package sqlite

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	duration *prometheus.HistogramVec
	batch    prometheus.Histogram
	queue    prometheus.Gauge
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	factory := promauto.With(registerer)
	return &metrics{
		duration: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chatbot_store_duration_seconds", Help: "Time of a store's method, its wait and commit included.",
			ConstLabels: prometheus.Labels{"store": "sqlite"}, Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 12),
		}, []string{"method"}),
		batch: factory.NewHistogram(prometheus.HistogramOpts{
			Name: "chatbot_store_batch_size", Help: "Writes that one commit carried.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}),
		queue: factory.NewGauge(prometheus.GaugeOpts{
			Name: "chatbot_store_queue_depth", Help: "Writes that waited for the writer when it last looked.",
		}),
	}
}

// observe starts the clock of a method; the function that it returns stops it.
func (m *metrics) observe(method string) (done func()) {
	began := time.Now()
	return func() { m.duration.WithLabelValues(method).Observe(time.Since(began).Seconds()) }
}
