package batch

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	completed, failed prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer, b *Batches) *metrics {
	factory := promauto.With(registerer)
	requests := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_batch_requests_total", Help: "Requests of batches by how they ended.",
	}, []string{"result"})
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chatbot_batches_running", Help: "Batches at work.",
	}, func() float64 { return float64(b.atWork()) })
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chatbot_batch_bytes", Help: "Memory that the requests and results of batches take.",
	}, func() float64 { return float64(b.account.bytes()) })
	return &metrics{completed: requests.WithLabelValues("completed"), failed: requests.WithLabelValues("failed")}
}

func (m *metrics) count(err error) {
	if err != nil {
		m.failed.Inc()
	} else {
		m.completed.Inc()
	}
}
