package budget

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
)

type metrics struct {
	budgets               prometheus.Gauge
	held0, free           prometheus.Gauge
	exceeded, held, away  prometheus.Counter
	unpriced              prometheus.Counter
	waited                prometheus.Histogram
	leases, leasesFailed  prometheus.Counter
	reached               prometheus.Counter
	sent, failed, givenUp prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	factory := promauto.With(registerer)
	counter := func(name, help string) prometheus.Counter {
		return factory.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	vector := func(name, help, label string) *prometheus.CounterVec {
		return factory.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	refusals := vector("chatbot_budget_refusals_total", "Attempts that a budget had no room for, by why.", "reason")
	leases := vector("chatbot_budget_leases_total", "Times that the store was asked for a budget, by how it went.", "result")
	alerts := vector("chatbot_budget_webhooks_total", "Calls of webhooks, by how they went.", "result")
	money := factory.NewGaugeVec(prometheus.GaugeOpts{
		Name: "chatbot_budget_leased_dollars", Help: "What this node holds of all hard budgets, by whether attempts have taken it.",
	}, []string{"state"})
	return &metrics{
		budgets: factory.NewGauge(prometheus.GaugeOpts{Name: "chatbot_budgets", Help: "Budgets that there are."}),
		held0:   money.WithLabelValues("held"), free: money.WithLabelValues("free"),
		exceeded: refusals.WithLabelValues("exceeded"), held: refusals.WithLabelValues("reserved"), away: refusals.WithLabelValues("store"),
		unpriced: counter("chatbot_budget_unpriced_attempts_total", "Attempts under a budget whose model has no price, and which count as free."),
		waited: factory.NewHistogram(prometheus.HistogramOpts{
			Name: "chatbot_budget_wait_seconds", Help: "How long attempts waited for the store because this node's lease did not suffice.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3},
		}),
		leases: leases.WithLabelValues("ok"), leasesFailed: leases.WithLabelValues("failed"),
		reached: counter("chatbot_budget_thresholds_total", "Thresholds of budgets that this node was the first to see reached."),
		sent:    alerts.WithLabelValues("sent"), failed: alerts.WithLabelValues("failed"), givenUp: alerts.WithLabelValues("given_up"),
	}
}

func (m *metrics) leasesAsked(err error) {
	if err != nil {
		m.leasesFailed.Inc()
		return
	}
	m.leases.Inc()
}

// measure shows what this node holds.
func (b *Budgets) measure() {
	var held, free messages.NanoDollars
	for _, k := range b.pockets {
		k.mu.Lock()
		for _, p := range k.purses {
			if k.budget.Hard {
				held, free = held+p.held, free+max(0, p.free)
			}
		}
		k.mu.Unlock()
	}
	const nanosPerDollar = 1e9
	b.metrics.held0.Set(float64(held) / nanosPerDollar)
	b.metrics.free.Set(float64(free) / nanosPerDollar)
}
