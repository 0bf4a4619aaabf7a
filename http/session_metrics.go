package http

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// sessionMetrics are the collectors of WebSocket connections.
type sessionMetrics struct {
	received, sent    prometheus.Counter
	plainIn, plainOut prometheus.Counter
	wireIn, wireOut   prometheus.Counter
	slowCuts          prometheus.Counter
	closes            map[int]prometheus.Counter // by code
	otherCloses       prometheus.Counter
}

func newSessionMetrics(factory promauto.Factory) sessionMetrics {
	count := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_websocket_messages_total", Help: "Messages over WebSockets, by direction.",
	}, []string{"direction"})
	bytes := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_websocket_bytes_total", Help: "Bytes over WebSockets, by direction: plain are those of the messages, wire those that were sent for them, frames and compression included.",
	}, []string{"direction", "kind"})
	closes := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_websocket_closes_total", Help: "WebSocket connections that were closed, by the code; 1006 where none was sent.",
	}, []string{"code"})
	m := sessionMetrics{
		received: count.WithLabelValues("in"), sent: count.WithLabelValues("out"),
		plainIn: bytes.WithLabelValues("in", "plain"), plainOut: bytes.WithLabelValues("out", "plain"),
		wireIn: bytes.WithLabelValues("in", "wire"), wireOut: bytes.WithLabelValues("out", "wire"),
		slowCuts: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_websocket_slow_cuts_total", Help: "WebSocket connections that were cut because their client did not read.",
		}),
		closes: make(map[int]prometheus.Counter), otherCloses: closes.WithLabelValues("other"),
	}
	for code := closeNormal; code <= closeTryAgain; code++ {
		m.closes[code] = closes.WithLabelValues(strconv.Itoa(code))
	}
	return m
}

// closed counts the end of a connection. A client may give any code.
func (m *sessionMetrics) closed(code int) {
	if counter, known := m.closes[code]; known {
		counter.Inc()
		return
	}
	m.otherCloses.Inc()
}
