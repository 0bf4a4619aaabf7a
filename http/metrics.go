package http

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
)

// unmatched stands for every path that no route has.
const unmatched = "unmatched"

// metrics are the edge's collectors, with the handles of their labels at hand:
// counting a request allocates nothing after the first of its kind.
type metrics struct {
	Streams    prometheus.Gauge
	WebSockets prometheus.Gauge
	SlowCuts   prometheus.Counter
	resumes    map[resumeSource]prometheus.Counter
	sessions   sessionMetrics

	durations *prometheus.HistogramVec
	errors    *prometheus.CounterVec
	endpoints map[endpointKey]*endpoint
	codes     map[messages.Code]prometheus.Counter
}

type endpointKey struct{ method, pattern string }

// endpoint holds the handles of one route, by status.
type endpoint [600]atomic.Pointer[prometheus.Observer]

func newMetrics(registerer prometheus.Registerer) *metrics {
	factory := promauto.With(registerer)
	m := &metrics{
		Streams: factory.NewGauge(prometheus.GaugeOpts{
			Name: "chatbot_active_streams", Help: "Event streams that are being sent.",
		}),
		WebSockets: factory.NewGauge(prometheus.GaugeOpts{
			Name: "chatbot_active_websockets", Help: "WebSocket connections that are open.",
		}),
		SlowCuts: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_slow_readers_total", Help: "Streams that were cut because their clients read too slowly.",
		}),
		resumes: make(map[resumeSource]prometheus.Counter),
		durations: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "chatbot_request_duration_seconds",
			Help:    "From a request's last byte to the last byte of its answer, streams included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600},
		}, []string{"method", "endpoint", "status"}),
		errors: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "chatbot_errors_total", Help: "Failures that were shown to clients, by code.",
		}, []string{"code"}),
		endpoints: make(map[endpointKey]*endpoint),
		codes:     make(map[messages.Code]prometheus.Counter, len(appearances)),
	}
	resumes := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_resumes_total", Help: "Streams of responses that other requests had begun, by where they came from.",
	}, []string{"source"})
	for _, source := range []resumeSource{fromTurn, fromStore, fromRestart} {
		m.resumes[source] = resumes.WithLabelValues(string(source))
	}
	m.sessions = newSessionMetrics(factory)
	m.addEndpoint(socketMethod, socketPattern)
	for code := range appearances {
		m.codes[code] = m.errors.WithLabelValues(string(code))
	}
	for _, method := range fiber.DefaultMethods {
		m.addEndpoint(method, unmatched)
	}
	return m
}

// watchDrain shows whether the server takes work.
func (*metrics) watchDrain(registerer prometheus.Registerer, r *running) {
	promauto.With(registerer).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chatbot_draining", Help: "1 while the server takes no more work, because it stops or an operator drains it.",
	}, func() float64 {
		if r.isClosing() {
			return 1
		}
		return 0
	})
}

// addEndpoint makes room for a route. It is not called once the server runs.
func (m *metrics) addEndpoint(method, pattern string) {
	m.endpoints[endpointKey{method, pattern}] = new(endpoint)
}

// countError counts a failure that a client is told of.
func (m *metrics) countError(code messages.Code) {
	counter, known := m.codes[code]
	if !known {
		counter = m.codes[messages.CodeInternal]
	}
	counter.Inc()
}

// observe counts an exchange that is over.
func (m *metrics) observe(x *exchange, status int) {
	e, known := m.endpoints[endpointKey{x.method, x.endpoint}]
	if !known || status < 0 || status >= len(e) {
		m.durations.WithLabelValues(x.method, x.endpoint, strconv.Itoa(status)).Observe(time.Since(x.begun).Seconds())
		return
	}
	handle := e[status].Load()
	if handle == nil {
		observer := m.durations.WithLabelValues(x.method, x.endpoint, strconv.Itoa(status))
		handle = &observer
		e[status].Store(handle)
	}
	(*handle).Observe(time.Since(x.begun).Seconds())
}
