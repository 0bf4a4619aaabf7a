package redis

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// What came of a lookup, as its metric's label has it.
const (
	readHit     = "hit"
	readMiss    = "miss"
	readDamaged = "damaged" // not what was written: cut short, changed, or of another secret
	readFailed  = "failed"
	readSkipped = "skipped" // Redis failed a moment ago
)

// What came of a write, as its metric's label has it.
const (
	writeKept   = "kept"
	writeLost   = "lost" // too many waited
	writeFailed = "failed"
)

type metrics struct {
	reads, writes, learned *prometheus.CounterVec
	following              prometheus.Gauge
	latency                prometheus.Histogram
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	factory := promauto.With(registerer)
	return &metrics{
		reads: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "chatbot_shared_cache_reads_total", Help: "Lookups of replies in Redis on the way of a request, by what came of them.",
		}, []string{"result"}),
		writes: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "chatbot_shared_cache_writes_total", Help: "Replies and drops written to Redis, by what came of them.",
		}, []string{"result"}),
		learned: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "chatbot_shared_cache_learned_total", Help: "What was learned of other nodes through Redis.",
		}, []string{"what"}),
		following: factory.NewGauge(prometheus.GaugeOpts{
			Name: "chatbot_shared_cache_following", Help: "1 while this node hears through Redis what others keep and drop.",
		}),
		latency: factory.NewHistogram(prometheus.HistogramOpts{
			Name: "chatbot_shared_cache_read_seconds", Help: "Time of a lookup in Redis.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 12),
		}),
	}
}
