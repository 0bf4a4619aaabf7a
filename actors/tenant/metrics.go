package tenant

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	found, absent, failed prometheus.Counter
	age                   prometheus.Gauge
	marked, unmarked      prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	factory := promauto.With(registerer)
	loads := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_key_loads_total", Help: "Keys that the store was asked for, by what it said.",
	}, []string{"result"})
	marks := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_key_uses_written_total", Help: "Keys whose last use was brought to the store, or could not be.",
	}, []string{"result"})
	return &metrics{
		marked: marks.WithLabelValues("written"), unmarked: marks.WithLabelValues("failed"),
		found: loads.WithLabelValues("found"), absent: loads.WithLabelValues("absent"), failed: loads.WithLabelValues("failed"),
		age: factory.NewGauge(prometheus.GaugeOpts{
			Name: "chatbot_keys_age_seconds", Help: "Since the store last said whether keys have changed.",
		}),
	}
}

func (m *metrics) loaded(a answer) {
	switch {
	case a.err != nil:
		m.failed.Inc()
	case a.known.until.IsZero():
		m.found.Inc()
	default:
		m.absent.Inc()
	}
}
