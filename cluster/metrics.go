package cluster

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics counts what goes between nodes.
type metrics struct {
	carried prometheus.Counter
	served  prometheus.Counter
	waited  prometheus.Counter
	stale   prometheus.Counter
	handed  prometheus.Counter
	broken  prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer, c *Cluster) *metrics {
	factory := promauto.With(registerer)
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chatbot_cluster_members", Help: "Nodes of the cluster, as this one knows it.",
	}, func() float64 { return float64(len(c.table.Load().members)) })
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chatbot_cluster_shards_open", Help: "Shards that this node owns and answers for, of 1,024.",
	}, func() float64 { return float64(c.held.count()) })
	counter := func(name, help string) prometheus.Counter {
		return factory.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &metrics{
		carried: counter("chatbot_cluster_carried_total", "Requests to conversations that were sent to another node."),
		served:  counter("chatbot_cluster_served_total", "Requests to conversations that came from another node."),
		waited:  counter("chatbot_cluster_waited_total", "Requests that had to wait for a shard's next owner."),
		handed:  counter("chatbot_cluster_handed_over_total", "Turns that went on with their conversation's next owner, since the last one went down."),
		broken:  counter("chatbot_cluster_links_broken_total", "Connections to other members that broke, or could not be made."),
		stale:   counter("chatbot_cluster_stale_writes_total", "Writes that the store refused, since another owner might have the shard."),
	}
}
