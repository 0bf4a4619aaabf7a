package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct{ duration *prometheus.HistogramVec }

func newMetrics(registerer prometheus.Registerer, pool *pgxpool.Pool) *metrics {
	factory := promauto.With(registerer)
	gauge := func(name, help string, value func(*pgxpool.Stat) int32) {
		factory.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value(pool.Stat())) })
	}
	gauge("chatbot_store_connections", "Connections to PostgreSQL that are open.", (*pgxpool.Stat).TotalConns)
	gauge("chatbot_store_connections_in_use", "Connections to PostgreSQL that carry a transaction.", (*pgxpool.Stat).AcquiredConns)
	return &metrics{duration: factory.NewHistogramVec(prometheus.HistogramOpts{
		Name: "chatbot_store_duration_seconds", Help: "Time of a store's method, its wait and commit included.",
		ConstLabels: prometheus.Labels{"store": "postgres"}, Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 12),
	}, []string{"method"})}
}

// observe starts the clock of a method; the function that it returns stops it.
func (m *metrics) observe(method string) (done func()) {
	began := time.Now()
	return func() { m.duration.WithLabelValues(method).Observe(time.Since(began).Seconds()) }
}
