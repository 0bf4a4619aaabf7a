package tenant

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type shareMetrics struct {
	done, failed              prometheus.Counter
	latency                   prometheus.Histogram
	holders, nodes, byOneself prometheus.Gauge
}

func newShareMetrics(registerer prometheus.Registerer) *shareMetrics {
	factory := promauto.With(registerer)
	exchanges := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_limit_exchanges_total", Help: "Times that this node told the others what it used of limits, by whether it heard of them.",
	}, []string{"result"})
	m := &shareMetrics{
		done: exchanges.WithLabelValues("done"), failed: exchanges.WithLabelValues("failed"),
		latency: factory.NewHistogram(prometheus.HistogramOpts{
			Name: "chatbot_limit_exchange_seconds", Help: "How long that took.", Buckets: prometheus.ExponentialBuckets(0.0002, 2, 13),
		}),
		holders: factory.NewGauge(prometheus.GaugeOpts{
			Name: "chatbot_limit_shared_holders", Help: "Tenants, keys, models and addresses of whose limits this node has a share.",
		}),
		nodes: factory.NewGauge(prometheus.GaugeOpts{
			Name: "chatbot_limit_nodes", Help: "Nodes that share limits, as far as this one knows.",
		}),
		byOneself: factory.NewGauge(prometheus.GaugeOpts{
			Name: "chatbot_limit_alone", Help: "1 while this node hears nothing of the others, and goes by its part of each limit.",
		}),
	}
	m.alone(true)
	return m
}

func (m *shareMetrics) observe(took time.Duration, err error) {
	m.latency.Observe(took.Seconds())
	if err != nil {
		m.failed.Inc()
		return
	}
	m.done.Inc()
}

func (m *shareMetrics) alone(is bool) {
	m.byOneself.Set(0)
	if is {
		m.byOneself.Set(1)
	}
}
