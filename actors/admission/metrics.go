package admission

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Register makes the gate's two counts visible.
func Register(registerer prometheus.Registerer, g *Gate) {
	registerer.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chatbot_turns_running", Help: "Turns that hold a place.",
		}, func() float64 { return float64(g.Running()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chatbot_turns_waiting", Help: "Turns in the admission queue.",
		}, func() float64 { return float64(g.Waiting()) }),
	)
}
