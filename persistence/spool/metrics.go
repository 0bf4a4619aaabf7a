package spool

import "github.com/prometheus/client_golang/prometheus"

// register makes the queue's two sizes visible.
func (s *Spool) register(registerer prometheus.Registerer) {
	registerer.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chatbot_ledger_queue_rows", Help: "Usage rows that wait for the store.",
		}, func() float64 { return float64(s.depth()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chatbot_ledger_queue_bytes", Help: "Size of the ledger's queue on disk.",
		}, func() float64 {
			s.mu.Lock()
			defer s.mu.Unlock()
			return float64(s.bytes)
		}),
	)
}
