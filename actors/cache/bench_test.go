package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/actortest"
	"example.com/parley/actors/cache"
	"example.com/parley/actors/cache/embed"
	"example.com/parley/messages"
)

// BenchmarkAsk is a whole lookup among 1,000 replies of one partition, the reply
// unpacked.
func BenchmarkAsk(b *testing.B) {
	embedder, err := embed.OpenStatic()
	if err != nil {
		b.Fatal(err)
	}
	c := cache.New(cache.DefaultConfig(), cache.Deps{Embedder: embedder, Registerer: prometheus.NewRegistry()})
	system := actortest.NewSystem(b)
	for _, props := range c.Props() {
		pid := actortest.Spawn(b, system, props)
		if err := system.Root.RequestFuture(pid, &actor.Touch{}, time.Minute).Wait(); err != nil { // until it runs
			b.Fatal(err)
		}
	}
	questions := make([]string, 1000)
	for i := range questions {
		questions[i] = fmt.Sprintf("How do I mend the %s lamp beside the %c wheel?", strings.Repeat(string(rune('a'+i%26)), 1+i/26%5), 'a'+i/130)
		spec := question("acme", questions[i])
		if asked := c.Ask(b.Context(), spec, spec.Input); asked.Flight != nil {
			say(asked.Flight, "A reply of some words, as models give them to short questions.")
		}
	}
	for tier, ask := range map[messages.CacheTier]func(i int) string{
		messages.CacheExact:    func(i int) string { return questions[i%1000] },
		messages.CacheLexical:  func(i int) string { return "please " + questions[i%1000] },
		messages.CacheSemantic: func(i int) string { return strings.Replace(questions[i%1000], "How do I", "How can one", 1) },
		messages.CacheMiss:     func(i int) string { return strings.Replace(questions[i%1000], "mend", "paint", 1) },
	} {
		b.Run(string(tier), func(b *testing.B) {
			specs := make([]*messages.TurnSpec, 1000)
			for i := range specs {
				specs[i] = question("acme", ask(i))
			}
			b.ReportAllocs()
			other := 0
			for i := 0; b.Loop(); i++ {
				spec := specs[i%1000]
				asked := c.Ask(b.Context(), spec, spec.Input)
				if asked.Outcome.Tier != tier {
					other++
				}
				if asked.Flight != nil {
					asked.Flight.Ended(nil, messages.FinishLength, messages.Usage{}, 0)
				}
			}
			b.ReportMetric(float64(other)/float64(b.N), "others/op")
		})
	}
}
