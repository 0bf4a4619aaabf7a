package admission

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
)

// refusals counts turns that were refused, by the code that they were told.
type refusals struct {
	counter *prometheus.CounterVec // nil before Register
}

// count returns err, which may be nil.
func (r *refusals) count(err error) error {
	if err != nil && r.counter != nil {
		r.counter.WithLabelValues(string(messages.CodeOf(err))).Inc()
	}
	return err
}

// Register makes the gate's counts visible. It is called before the first Enter.
func Register(registerer prometheus.Registerer, g *Gate) {
	factory := promauto.With(registerer)
	gauge := func(name, help string, value func() float64) {
		factory.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	gauge("chatbot_turns_running", "Turns that hold a place.", func() float64 { return float64(g.Running()) })
	gauge("chatbot_turns_waiting", "Turns in the admission queue.", func() float64 { return float64(g.Waiting()) })
	gauge("chatbot_turns_limit", "Turns that may hold a place now.", func() float64 { return float64(g.Limit()) })
	gauge("chatbot_scheduling_delay_seconds", "Time that what could run waited for a processor, in the mean of the last tenth of a second.",
		func() float64 { return time.Duration(g.observed.delay.Load()).Seconds() })
	gauge("chatbot_memory_held_bytes", "Memory that the process holds and cannot give back.", func() float64 { return float64(g.observed.memory.Load()) })
	gauge("chatbot_classes_shed", "Classes that are refused for want of memory.", func() float64 { return float64(g.observed.shed.Load()) })
	g.refused.counter = factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_turns_refused_total", Help: "Turns that were not let in, by the code of their failure.",
	}, []string{"code"})
}
