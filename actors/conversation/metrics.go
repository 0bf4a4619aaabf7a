package conversation

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
)

// Metrics counts turns over all conversations of a node.
type Metrics struct {
	Forks         prometheus.Counter
	Fallbacks     prometheus.Counter
	Retries       prometheus.Counter
	Continuations prometheus.Counter
	Hedges        prometheus.Counter
	TakenUp       prometheus.Counter
	ended         map[messages.TurnStatus]prometheus.Counter
	tokens        struct{ input, output, cached, reasoning prometheus.Counter }

	promptTokens, promptCached atomic.Int64
}

// NewMetrics registers the collectors.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	factory := promauto.With(registerer)
	m := &Metrics{
		Forks: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_forks_total", Help: "Conversations that were forked from an earlier response.",
		}),
		Fallbacks: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_fallbacks_total", Help: "Attempts that were made because another provider had failed.",
		}),
		Retries: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_retries_total", Help: "Attempts that were made because all providers had failed.",
		}),
		Continuations: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_continuations_total", Help: "Replies that broke off in the middle and that another provider was asked to go on with.",
		}),
		Hedges: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_hedges_total", Help: "Attempts that were made because the first provider was late.",
		}),
		TakenUp: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_taken_up_total", Help: "Turns in the background that went on behind the end of the process that had them.",
		}),
		ended: make(map[messages.TurnStatus]prometheus.Counter),
	}
	turns := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_turns_total", Help: "Turns by how they ended.",
	}, []string{"status"})
	for _, status := range []messages.TurnStatus{
		messages.TurnComplete, messages.TurnPartial, messages.TurnCancelled, messages.TurnFailed,
	} {
		m.ended[status] = turns.WithLabelValues(string(status))
	}
	tokens := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "chatbot_tokens_total", Help: "Tokens as billed; cached ones are part of input, reasoning ones of output.",
	}, []string{"kind"})
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chatbot_cache_hit_ratio", Help: "Share of what was asked for that a cache had; for the providers' prompt caches, of input tokens.",
		ConstLabels: prometheus.Labels{"cache_type": "provider_prompt"},
	}, m.promptCacheRatio)
	m.tokens.input = tokens.WithLabelValues("input")
	m.tokens.output = tokens.WithLabelValues("output")
	m.tokens.cached = tokens.WithLabelValues("cached")
	m.tokens.reasoning = tokens.WithLabelValues("reasoning")
	return m
}

// promptCacheRatio is 0 before anything was asked.
func (m *Metrics) promptCacheRatio() float64 {
	return float64(m.promptCached.Load()) / float64(max(1, m.promptTokens.Load()))
}

// count takes the end of a turn.
func (m *Metrics) count(status messages.TurnStatus, usage messages.Usage) {
	m.promptTokens.Add(int64(usage.Input))
	m.promptCached.Add(int64(usage.Cached))
	m.ended[status].Inc()
	m.tokens.input.Add(float64(usage.Input))
	m.tokens.output.Add(float64(usage.Output))
	m.tokens.cached.Add(float64(usage.Cached))
	m.tokens.reasoning.Add(float64(usage.Reasoning))
}
