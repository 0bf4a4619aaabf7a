package main

import (
	"context"
	"math"
	"math/rand/v2"

	"example.com/parley/actors/cache/embed"
	"example.com/parley/bench/report"
	"example.com/parley/messages"
)

// stream is how a replay draws its questions.
type stream struct {
	name        string
	zipf        float64 // exponent: how much more often the first cluster comes than the others
	paraphrases float64 // share of requests that ask in other words than the cluster's first
	atLeast     float64 // points of hits above exact caching that are wanted; 0 for none
}

var streams = []stream{{name: "A", zipf: 0.9, paraphrases: 0.2}, {name: "B", zipf: 0.6, paraphrases: 0.4, atLeast: 0.02}}

// asked is one request of a stream.
type asked struct {
	cluster  string
	question string
}

// draw makes a stream. Which clusters come often is drawn as well.
func (s stream) draw(from []cluster, n int, seed uint64) []asked {
	rng := rand.New(rand.NewPCG(seed, uint64(s.zipf*1000))) // #nosec G404 -- a stream that can be repeated
	order := rng.Perm(len(from))
	sums, sum := make([]float64, len(from)), 0.0
	for i := range sums {
		sum += math.Pow(float64(i+1), -s.zipf)
		sums[i] = sum
	}
	out := make([]asked, n)
	for i := range out {
		at, place := rng.Float64()*sum, 0
		for sums[place] < at {
			place++
		}
		c := &from[order[place]]
		question := c.questions[0]
		if len(c.questions) > 1 && rng.Float64() < s.paraphrases {
			question = c.questions[1+rng.IntN(len(c.questions)-1)]
		}
		out[i] = asked{c.name, question}
	}
	return out
}

// score is what a cache made of a stream.
type score struct {
	Exact    int     `json:"exact"`
	Lexical  int     `json:"lexical"`
	Semantic int     `json:"semantic"`
	Hits     float64 `json:"hit_ratio"`
	False    int     `json:"false_hits"`
	Saved    float64 `json:"saved_dollars"`
}

func (s *score) count(tier messages.CacheTier, wrong bool) {
	switch tier {
	case messages.CacheExact:
		s.Exact++
	case messages.CacheLexical:
		s.Lexical++
	default:
		s.Semantic++
	}
	if wrong {
		s.False++
	}
}

func (s *score) hits() int { return s.Exact + s.Lexical + s.Semantic }

func (s *score) sum(requests int) {
	const nano = 1e-9
	s.Hits = float64(s.hits()) / float64(requests)
	s.Saved = float64(s.hits()) * float64(price) * nano
}

func replays(ctx context.Context, o options, line *report.Report) error {
	from, err := clusters(o)
	if err != nil {
		return err
	}
	line.Figure("replay_seed", o.seed)
	line.Figure("replay_requests", o.requests)
	line.Figure("replay_clusters", len(from))
	for _, s := range streams {
		requests := s.draw(from, o.requests, o.seed)
		ours, err := replayOurs(ctx, s.name, requests)
		if err != nil {
			return err
		}
		plain, err := replayCosine(ctx, requests)
		if err != nil {
			return err
		}
		exact := replayExact(requests)
		line.Figure("replay_"+s.name, ours)
		line.Figure("replay_"+s.name+"_plain_cosine_0.85", plain)
		line.Figure("replay_"+s.name+"_exact_alone", exact)
		line.Target(report.AtMost("replay_"+s.name+"_false_hits_share", 0.002, float64(ours.False)/float64(max(ours.hits(), 1))))
		line.Target(report.AtLeast("replay_"+s.name+"_hits_above_exact", s.atLeast, ours.Hits-exact.Hits))
		report.Say("replay %s, seed %d: hits %.4f (exact alone %.4f, plain cosine %.4f), false %d (plain cosine %d)",
			s.name, o.seed, ours.Hits, exact.Hits, plain.Hits, ours.False, plain.False)
	}
	return nil
}

// replayOurs asks the cache. A reply names its question, so that what was shared
// can be told.
func replayOurs(ctx context.Context, name string, requests []asked) (s score, err error) {
	c, err := newSubject(nil)
	if err != nil {
		return s, err
	}
	defer c.close()
	clusterOf, entries := make(map[string]string), 0
	for _, r := range requests {
		found := c.ask(ctx, r.question)
		if found.Answer == nil {
			clusterOf[r.question] = r.cluster
			learn(found, r.question)
			entries++
			if err := c.settled(ctx, entries); err != nil {
				return s, err
			}
			continue
		}
		shared, err := textOf(found.Answer)
		if err != nil {
			return s, err
		}
		wrong := clusterOf[shared] != r.cluster
		s.count(found.Outcome.Tier, wrong)
		if found.Outcome.Tier != messages.CacheExact {
			report.Say("shared\t%s\t%s\tfalse=%t\t%s\t%s", name, found.Outcome.Tier, wrong, r.question, shared)
		}
	}
	s.sum(len(requests))
	return s, nil
}

// replayExact is what a cache of whole requests gets.
func replayExact(requests []asked) (s score) {
	seen := make(map[string]bool)
	for _, r := range requests {
		if seen[r.question] {
			s.count(messages.CacheExact, false)
		}
		seen[r.question] = true
	}
	s.sum(len(requests))
	return s
}

// replayCosine is what a cache gets that goes by the cosine alone, as most do.
func replayCosine(ctx context.Context, requests []asked) (s score, err error) {
	embedder, err := embed.OpenStatic()
	if err != nil {
		return s, err
	}
	const cut = 0.85
	seen := make(map[string]bool)
	var vectors [][]float32
	var clusterOf []string
	for _, r := range requests {
		if seen[r.question] {
			s.count(messages.CacheExact, false)
			continue
		}
		v, err := embedder.Embed(ctx, nil, r.question)
		if err != nil {
			return s, err
		}
		best, nearest := -1, cut
		for i := range vectors {
			if c := cosine(v, vectors[i]); c >= nearest {
				best, nearest = i, c
			}
		}
		if best >= 0 {
			s.count(messages.CacheSemantic, clusterOf[best] != r.cluster)
			continue
		}
		seen[r.question] = true
		vectors, clusterOf = append(vectors, v), append(clusterOf, r.cluster)
	}
	s.sum(len(requests))
	return s, nil
}

func cosine(a, b []float32) (sum float64) {
	for i := range min(len(a), len(b)) {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
