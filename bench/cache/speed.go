package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/parley/actors/cache"
	"example.com/parley/bench/report"
	"example.com/parley/messages"
)

// sizes are how many replies there are, and the most that a lookup that embeds may
// take at the 99th percentile, in microseconds.
var sizes = []struct {
	replies  int
	semantic float64
}{{1000, 25}, {10_000, 100}, {100_000, 500}}

const mostExact = 5 // microseconds, at the 99th percentile

// reply is one of some hundred bytes.
const reply = "A reply of a few hundred bytes, such as models give to short questions. It says what there is to say, in two or three sentences, " +
	"and neither compresses to nothing nor fills a page; what is in it is never looked at."

// room is how much the heap may grow before a collection, in percent: that of a
// server which is hot.
const room = 400

func speed(ctx context.Context, o options, line *report.Report) error {
	defer debug.SetGCPercent(debug.SetGCPercent(room))
	warm()
	floor(o, line, "floor", short, 1)
	floor(o, line, "floor_long", long, 1)
	for _, size := range sizes {
		s, err := newSubject(nil)
		if err != nil {
			return err
		}
		before := heap()
		rng := rand.New(rand.NewPCG(o.seed, uint64(size.replies))) // #nosec G115 G404 -- a seed
		questions := make([]string, size.replies)
		for i := range questions {
			for asked := (cache.Asked{}); asked.Flight == nil; { // until nobody asked it before
				questions[i] = invented(rng)
				asked = s.ask(ctx, questions[i])
				if asked.Flight != nil {
					learn(asked, reply)
				}
			}
		}
		if err := s.settled(ctx, size.replies); err != nil {
			return err
		}
		name := fmt.Sprintf("%d_replies", size.replies)
		stats := s.cache.Stats(tenant)
		line.Figure(name+"_accounted_bytes_a_reply", float64(stats.Bytes)/float64(stats.Entries))
		questionBytes := 0
		for _, q := range questions {
			questionBytes += len(q) + 16
		}
		perEntry := (heap()-before-float64(questionBytes))/float64(size.replies) - float64(bodyBytes)
		line.Figure(name+"_heap_bytes_a_reply_beside_body", perEntry)
		if size.replies == 100_000 {
			line.Target(report.AtMost("bytes_a_reply_beside_its_body", 600, perEntry))
		}
		warm()
		for _, readers := range []int{1, 4} {
			if err := s.time(ctx, o, line, timing{name: fmt.Sprintf("%s_%d_readers", name, readers), questions: questions, readers: readers, semantic: size.semantic}); err != nil {
				return err
			}
		}
		s.close()
	}
	return nil
}

// bodyBytes is what a kept reply of ours takes: its text, and some bytes about it.
const bodyBytes = len(reply) + 24

// floor times work that shares nothing with anybody, some bytes hashed, by some
// readers side by side: what its 99th percentile has above its median is the machine's
// doing. A kilobyte takes as long as an exact lookup, and sixteen as long as one that
// embeds: what takes longer is interrupted more often.
func floor(o options, line *report.Report, name string, size, readers int) {
	blocks := make([][]byte, readers)
	for r := range blocks {
		blocks[r] = make([]byte, size)
	}
	took := sideBySide(readers, o.lookups, func(r int) float64 {
		began := time.Now()
		sum := sha256.Sum256(blocks[r])
		blocks[r][0] = sum[0]
		return microseconds(began)
	})
	line.Figure(name+"_p50_us", quantile(took, 0.5))
	line.Figure(name+"_p99_us", quantile(took, 0.99))
	report.Say("%s, %d bytes hashed: p50 %.1f us, p99 %.1f us", name, size, quantile(took, 0.5), quantile(took, 0.99))
}

// short and long are how many bytes floor hashes.
const (
	short = 1 << 10
	long  = 16 << 10
)

// sideBySide has readers do something so often each, and returns what each said of
// it, in order.
func sideBySide(readers, times int, do func(reader int) float64) []float64 {
	all := make([][]float64, readers)
	var reading sync.WaitGroup
	for r := range readers {
		reading.Go(func() {
			all[r] = make([]float64, 0, times)
			for range times {
				all[r] = append(all[r], do(r))
			}
		})
	}
	reading.Wait()
	took := slices.Concat(all...)
	slices.Sort(took)
	return took
}

func microseconds(since time.Time) float64 { return float64(time.Since(since).Nanoseconds()) / 1000 }

// warm fills the heap until it was collected twice, as that of a server was which has
// been up for a while. Before that what a lookup allocates is memory that the system
// has yet to give: a page for every tenth lookup, at some 10 us each, which is no part
// of a lookup.
func warm() {
	var before, now runtime.MemStats
	kept := make([][]byte, 100)
	for runtime.ReadMemStats(&before); now.NumGC < before.NumGC+2; runtime.ReadMemStats(&now) {
		for i := range 10_000 {
			kept[i%len(kept)] = make([]byte, len(reply))
		}
	}
	runtime.KeepAlive(kept)
}

// timing is one set of lookups.
type timing struct {
	name      string
	questions []string
	readers   int
	semantic  float64 // the target
}

// time times lookups by tier while a writer inserts a thousand replies a second.
func (s *subject) time(ctx context.Context, o options, line *report.Report, t timing) error {
	writing, stop := context.WithCancel(ctx)
	var writer sync.WaitGroup
	writer.Go(func() { s.write(writing, o.seed) })
	defer writer.Wait()
	defer stop()
	for _, tier := range []struct {
		tier messages.CacheTier
		most float64
		ask  func(rng *rand.Rand) string
	}{
		{messages.CacheExact, mostExact, func(rng *rand.Rand) string { return t.questions[rng.IntN(len(t.questions))] }},
		{messages.CacheLexical, 0, func(rng *rand.Rand) string {
			return "please " + strings.ToUpper(t.questions[rng.IntN(len(t.questions))])
		}},
		{messages.CacheSemantic, t.semantic, func(rng *rand.Rand) string {
			return strings.Replace(t.questions[rng.IntN(len(t.questions))], "How do I", "What is the best way to", 1)
		}},
		{messages.CacheMiss, t.semantic, invented},
	} {
		took, err := s.timeTier(ctx, o, t.readers, tier.tier, tier.ask)
		if err != nil {
			return err
		}
		name := t.name + "_" + string(tier.tier)
		line.Figure(name+"_p50_us", quantile(took, 0.5))
		line.Figure(name+"_p99_us", quantile(took, 0.99))
		if tier.most > 0 {
			line.Target(report.AtMost(name+"_p99_us", tier.most, quantile(took, 0.99)))
		}
		report.Say("%s: p50 %.1f us, p99 %.1f us", name, quantile(took, 0.5), quantile(took, 0.99))
	}
	floor(o, line, t.name+"_floor_long", long, t.readers) // beside the same writer
	return nil
}

// timeTier has readers look up side by side, and returns what each lookup took, in
// microseconds, in order.
func (s *subject) timeTier(ctx context.Context, o options, readers int, want messages.CacheTier, ask func(*rand.Rand) string) ([]float64, error) {
	wrong := make([]int, readers)
	rngs := make([]*rand.Rand, readers)
	for r := range rngs {
		rngs[r] = rand.New(rand.NewPCG(o.seed, uint64(1<<40+r))) // #nosec G115 G404 -- a seed
	}
	took := sideBySide(readers, o.lookups, func(r int) float64 {
		spec := messages.TurnSpec{Tenant: tenant, Model: "m", Input: []messages.Item{messages.TextMessage(messages.RoleUser, ask(rngs[r]))}}
		began := time.Now()
		asked := s.cache.Ask(ctx, &spec, spec.Input)
		lasted := microseconds(began)
		if asked.Outcome.Tier != want {
			wrong[r]++
		}
		forget(asked)
		return lasted
	})
	for _, n := range wrong {
		if n > o.lookups/50 {
			return nil, fmt.Errorf("%d of %d lookups were not %s", n, o.lookups, want)
		}
	}
	return took, ctx.Err()
}

// forget ends a call that is not made.
func forget(asked cache.Asked) {
	if asked.Flight != nil {
		asked.Flight.Ended(context.Canceled, "", messages.Usage{}, 0)
	}
	if asked.Answer != nil {
		_ = asked.Answer.Close()
	}
}

// write inserts a reply every millisecond.
func (s *subject) write(ctx context.Context, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 99)) // #nosec G404 -- a stream that can be repeated
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if asked := s.ask(ctx, invented(rng)); asked.Flight != nil {
				learn(asked, reply)
			}
		}
	}
}

// quantile is that of sorted values.
func quantile(sorted []float64, q float64) float64 {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

var (
	verbs  = strings.Fields("paint mend clean sell carry build move lift bend cut dry fold grind hang join knit lock melt nail oil pack quilt roast sew trim weld wrap boil carve drill")
	nouns  = strings.Fields("table chair lamp boat fence garden piano bicycle kettle ladder mirror window roof curtain basket hammer ribbon saddle tent wagon barrel bottle candle drawer engine feather glove helmet kite lantern magnet needle oven pillow rope shovel trumpet umbrella violin wheel")
	traits = strings.Fields("old heavy wooden broken tall narrow rusty green cracked hollow loose muddy painted round sharp soft square thin wet wide antique blue copper dusty empty fragile giant iron")
)

// invented is a question that nobody asked: one of some hundred millions.
func invented(rng *rand.Rand) string {
	word := func(list []string) string { return list[rng.IntN(len(list))] }
	return fmt.Sprintf("How do I %s a %s %s beside the %s %s?", word(verbs), word(traits), word(nouns), word(traits), word(nouns))
}
