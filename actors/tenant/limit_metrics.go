package tenant

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type limitMetrics struct {
	passed  prometheus.Counter
	refused [scopes][resources]prometheus.Counter
}

func newLimitMetrics(registerer prometheus.Registerer, holders *holders) *limitMetrics {
	factory := promauto.With(registerer)
	m := &limitMetrics{passed: factory.NewCounter(prometheus.CounterOpts{
		Name: "chatbot_limit_passed_total", Help: "Requests, connections and messages that were within all limits that apply to them.",
	})}
	refused := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_limit_refused_total", Help: "Requests, connections and messages that a limit refused, by whose limit it was and of what.",
	}, []string{"scope", "resource"})
	for s := range m.refused {
		for r := range m.refused[s] {
			m.refused[s][r] = refused.WithLabelValues(string(scopeNames[s]), resource(r).label()) // #nosec G115 -- one of five
		}
	}
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chatbot_limit_holders", Help: "Tenants, keys, models and addresses whose use is being counted.",
	}, func() float64 { return float64(holders.len()) })
	return m
}
