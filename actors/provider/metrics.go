package provider

import (
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
)

// metrics are the collectors that all providers share.
type metrics struct {
	latency    *prometheus.HistogramVec
	firstToken *prometheus.HistogramVec
	attempts   *prometheus.CounterVec
	stale      *prometheus.CounterVec
	opened     *prometheus.CounterVec
	ejections  *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	factory := promauto.With(registerer)
	return &metrics{
		latency: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chatbot_model_latency_seconds", Help: "From the call to the end of the reply, of calls that succeeded.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320},
		}, []string{"provider", "model"}),
		firstToken: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chatbot_model_first_token_seconds", Help: "From the call to the first piece of the reply.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40, 60},
		}, []string{"provider", "model"}),
		attempts: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "chatbot_provider_attempts_total", Help: "Calls by how they ended.",
		}, []string{"provider", "outcome"}),
		stale: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "chatbot_provider_stale_connections_total", Help: "Requests that were sent again because an idle connection had died.",
		}, []string{"provider"}),
		opened: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "chatbot_provider_breaker_opened_total", Help: "Times that the breaker opened, by why.",
		}, []string{"provider", "reason"}),
		ejections: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "chatbot_provider_ejections_total", Help: "Times that the provider went behind the others, by why.",
		}, []string{"provider", "reason"}),
	}
}

// otherModel is the label of all models that nobody configured: a client may
// ask for any name.
const otherModel = "other"

// providerMetrics are one provider's.
type providerMetrics struct {
	shared   *metrics
	provider string
	known    []string // models that have labels of their own, the longest names first
	models   sync.Map // label to modelMetrics, of those that were called
	attempts [messages.OutcomeLocal + 1]prometheus.Counter
	stale    prometheus.Counter
}

type modelMetrics struct{ latency, firstToken prometheus.Observer }

func (m *metrics) of(provider string, models []string) *providerMetrics {
	p := &providerMetrics{shared: m, provider: provider, stale: m.stale.WithLabelValues(provider), known: slices.Clone(models)}
	slices.SortFunc(p.known, func(a, b string) int { return len(b) - len(a) })
	for kind := range p.attempts {
		p.attempts[kind] = m.attempts.WithLabelValues(provider, messages.OutcomeKind(kind).String()) // #nosec G115 -- a handful
	}
	return p
}

// model returns the metrics of a model, which are made with its first call.
func (p *providerMetrics) model(name string) modelMetrics {
	label := p.label(name)
	if m, made := p.models.Load(label); made {
		return m.(modelMetrics)
	}
	m, _ := p.models.LoadOrStore(label, modelMetrics{
		latency: p.shared.latency.WithLabelValues(p.provider, label), firstToken: p.shared.firstToken.WithLabelValues(p.provider, label),
	})
	return m.(modelMetrics)
}

// label is the model itself where it is known, else the known one of which it is
// a version (gpt-4o-2024-08-06 is one of gpt-4o), else the rest's.
func (p *providerMetrics) label(name string) string {
	for _, known := range p.known {
		if version, ok := strings.CutPrefix(name, known); ok && (version == "" || version[0] == '-') {
			return known
		}
	}
	return otherModel
}

func (p *providerMetrics) sawFirstToken(model string, after time.Duration) {
	p.model(model).firstToken.Observe(after.Seconds())
}

func (p *providerMetrics) ended(model string, o messages.Outcome) {
	p.attempts[o.Kind].Inc()
	if o.Kind == messages.OutcomeSuccess {
		p.model(model).latency.Observe(o.Total.Seconds())
	}
}

// stood counts a breaker that opened.
func (p *providerMetrics) stood(s standing) {
	if s.cause != causeNone {
		p.shared.opened.WithLabelValues(p.provider, s.cause.label()).Inc()
	}
}

func (p *providerMetrics) ejected(why cause) {
	p.shared.ejections.WithLabelValues(p.provider, why.label()).Inc()
}

// collector reads what the providers publish when somebody asks for it.
type collector struct {
	providers *Providers

	state, reason, nextProbe, drained, ejected, parked, inFlight, limit, connections *prometheus.Desc
}

func newCollector(providers *Providers) *collector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"provider"}, labels...), nil)
	}
	return &collector{
		providers:   providers,
		state:       describe("chatbot_provider_breaker_state", "0 closed, 1 half open, 2 open."),
		reason:      describe("chatbot_provider_breaker_reason", "1 with the reason why the breaker is not closed.", "reason"),
		nextProbe:   describe("chatbot_provider_next_probe_timestamp_seconds", "When an open breaker lets a call through to see."),
		drained:     describe("chatbot_provider_drained", "1 while an operator has the provider take no new calls."),
		ejected:     describe("chatbot_provider_ejected", "1 while the provider goes behind the others, since it does worse."),
		parked:      describe("chatbot_provider_parked_models", "Models that the provider limits for now."),
		limit:       describe("chatbot_provider_concurrency_limit", "Calls at once that the provider takes well, as far as is known."),
		inFlight:    describe("chatbot_provider_in_flight", "Calls that run."),
		connections: describe("chatbot_provider_connections", "Connections by whether a call has them.", "state"),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.state, c.reason, c.nextProbe, c.drained, c.ejected, c.parked, c.inFlight, c.limit, c.connections} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(found chan<- prometheus.Metric) {
	now := time.Now()
	for _, h := range c.providers.Handles() {
		c.collect(h, now, func(d *prometheus.Desc, value float64, labels ...string) {
			found <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, append([]string{h.name}, labels...)...)
		})
	}
}

func (c *collector) collect(h *Handle, now time.Time, gauge func(d *prometheus.Desc, value float64, labels ...string)) {
	known := h.health.Load()
	gauge(c.state, float64(known.standing.state(now)))
	if known.standing.cause != causeNone {
		gauge(c.reason, 1, known.standing.cause.label())
	}
	if !known.standing.until.IsZero() {
		gauge(c.nextProbe, float64(known.standing.until.UnixMilli())/1000)
	}
	gauge(c.drained, oneIf(known.drained))
	gauge(c.ejected, oneIf(known.isEjected(now)))
	gauge(c.parked, float64(len(stillParked(known.parked, now))))
	gauge(c.inFlight, float64(h.inFlight.Load()))
	if limit := h.concurrency.limit.Load(); limit < math.MaxInt64 {
		gauge(c.limit, float64(limit))
	}
	idle, busy := h.upstream.connections()
	gauge(c.connections, float64(idle), "idle")
	gauge(c.connections, float64(busy), "busy")
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
