package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"example.com/parley/actors/cache"
	"example.com/parley/actors/cache/embed"
	"example.com/parley/bench/report"
	"example.com/parley/messages"
)

func quality(ctx context.Context, o options, line *report.Report) error {
	static, err := embed.OpenStatic()
	if err != nil {
		return err
	}
	for name, embedder := range map[string]embed.Embedder{"static": static, "hashed": embed.Hashed{}} {
		if err := judgeEmbedder(ctx, o, line, name, embedder); err != nil {
			return err
		}
	}
	return errors.Join(judgeCache(ctx, o, line), judgeEdits(ctx, o, line), judgeAudited(ctx, o, line))
}

// judgeEmbedder compares cosines with what people said of pairs.
func judgeEmbedder(ctx context.Context, o options, line *report.Report, name string, e embed.Embedder) error {
	between := func(a, b string) float64 {
		v, _ := e.Embed(ctx, nil, a)
		w, _ := e.Embed(ctx, nil, b)
		return cosine(v, w)
	}
	similar, err := rows(o.data, "sts_2015_2016.tsv", 4)
	if err != nil {
		return err
	}
	if len(similar) > 0 {
		var got, want []float64
		for _, row := range similar {
			score, err := strconv.ParseFloat(row[1], 64)
			if err != nil {
				return err
			}
			got, want = append(got, between(row[2], row[3])), append(want, score)
		}
		line.Figure(name+"_sts_spearman", spearman(got, want))
		if name == "static" {
			line.Target(report.AtLeast("static_sts_spearman", 0.68, spearman(got, want)))
		}
	}
	for _, file := range []string{"qqp_dev5k", "msrpc_test"} {
		pairs, err := rows(o.data, file+".tsv", 3)
		if err != nil {
			return err
		}
		if len(pairs) == 0 {
			continue
		}
		var scores []float64
		var is []bool
		for _, row := range pairs {
			scores, is = append(scores, between(row[1], row[2])), append(is, row[0] == "1")
		}
		line.Figure(name+"_"+file+"_auc", areaUnderCurve(scores, is))
		if name == "static" && file == "qqp_dev5k" {
			line.Target(report.AtLeast("static_qqp_auc", 0.80, areaUnderCurve(scores, is)))
			for _, cut := range []float64{0.8, 0.85, 0.9, 0.95} {
				line.Figure("plain_cosine_qqp_"+strconv.FormatFloat(cut, 'f', 2, 64), judge(scores, is, cut))
			}
		}
	}
	return nil
}

// verdict is what comes of taking pairs for the same.
type verdict struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	False     float64 `json:"false_hits"` // of the pairs that are none
}

func judge(scores []float64, is []bool, cut float64) verdict {
	taken := make([]bool, len(scores))
	for i := range scores {
		taken[i] = scores[i] >= cut
	}
	return verdictOn(taken, is)
}

func verdictOn(taken, is []bool) (v verdict) {
	var hits, right, yes, wrong float64
	for i := range is {
		if is[i] {
			yes++
		}
		switch {
		case taken[i] && is[i]:
			hits, right = hits+1, right+1
		case taken[i]:
			hits, wrong = hits+1, wrong+1
		}
	}
	return verdict{Precision: right / max(hits, 1), Recall: right / yes, False: wrong / (float64(len(is)) - yes)}
}

// shares tells how the reply to b is found for a, each pair with a cache of its own.
func shares(ctx context.Context, threshold float64, pairs [][2]string) ([]messages.CacheTier, error) {
	out := make([]messages.CacheTier, len(pairs))
	c, err := newSubject(func(c *cache.Config) { c.Threshold = threshold })
	if err != nil {
		return nil, err
	}
	defer c.close()
	for i, pair := range pairs {
		ask := func(text string) cache.Asked {
			spec := messages.TurnSpec{
				Tenant: tenant, Model: "m", Input: []messages.Item{messages.TextMessage(messages.RoleUser, text)},
				Cache: messages.CacheControl{Namespace: strconv.Itoa(i)},
			}
			return c.cache.Ask(ctx, &spec, spec.Input)
		}
		learn(ask(pair[1]), reply)
		if err := c.settled(ctx, i+1); err != nil {
			return nil, err
		}
		found := ask(pair[0])
		out[i] = found.Outcome.Tier
		forget(found)
	}
	return out, nil
}

// judgeCache has the cache itself say which pairs are the same, by threshold.
func judgeCache(ctx context.Context, o options, line *report.Report) error {
	for _, file := range []string{"qqp_dev5k", "msrpc_test"} {
		all, err := rows(o.data, file+".tsv", 3)
		if err != nil || len(all) == 0 {
			return err
		}
		pairs, is := make([][2]string, len(all)), make([]bool, len(all))
		for i, row := range all {
			pairs[i], is[i] = [2]string{row[1], row[2]}, row[0] == "1"
		}
		for _, threshold := range []float64{0.7, 0.85, 0.95} {
			tiers, err := shares(ctx, threshold, pairs)
			if err != nil {
				return err
			}
			line.Figure("cache_"+file+"_"+strconv.FormatFloat(threshold, 'f', 2, 64), verdictOn(hits(tiers), is))
		}
	}
	return nil
}

func hits(tiers []messages.CacheTier) []bool {
	taken := make([]bool, len(tiers))
	for i, tier := range tiers {
		taken[i] = tier != messages.CacheMiss
	}
	return taken
}

// judgeEdits asks questions with one thing changed: those of kind NEG ask something
// else now, those of kind POS the same.
func judgeEdits(ctx context.Context, o options, line *report.Report) error {
	all, err := rows(o.data, "perturbations.tsv", 3)
	if err != nil {
		return err
	}
	byKind := make(map[string][][2]string)
	for _, row := range all {
		byKind[row[0]] = append(byKind[row[0]], [2]string{row[1], row[2]})
	}
	wanted := map[string]float64{"POS_case_punct": 0.99, "POS_polite": 0.95}
	for kind, pairs := range byKind {
		tiers, err := shares(ctx, 0.85, pairs)
		if err != nil {
			return err
		}
		count := 0
		for _, taken := range hits(tiers) {
			if taken {
				count++
			}
		}
		share := float64(count) / float64(len(pairs))
		line.Figure("edits_"+kind+"_hits", share)
		if strings.HasPrefix(kind, "NEG_") {
			line.Target(report.AtMost("edits_"+kind+"_hits", 0.01, share))
		} else if want := wanted[kind]; want > 0 {
			line.Target(report.AtLeast("edits_"+kind+"_hits", want, share))
		}
	}
	return nil
}

// judgeAudited has pairs that were read one by one: may one answer serve both?
func judgeAudited(ctx context.Context, o options, line *report.Report) error {
	all, err := rows(o.data, "qqp_audited_pairs.tsv", 5)
	if err != nil || len(all) == 0 {
		return err
	}
	pairs, is := make([][2]string, len(all)), make([]bool, len(all))
	for i, row := range all {
		pairs[i], is[i] = [2]string{row[3], row[4]}, row[2] == "1"
	}
	tiers, err := shares(ctx, 0.85, pairs)
	if err != nil {
		return err
	}
	for _, tier := range []messages.CacheTier{messages.CacheLexical, messages.CacheSemantic} {
		taken := make([]bool, len(tiers))
		for i := range tiers {
			taken[i] = tiers[i] == tier
		}
		if slices.Contains(taken, true) {
			line.Figure("audited_"+string(tier), verdictOn(taken, is))
		}
	}
	return nil
}

// textOf reads an answer to its end.
func textOf(a cache.Answer) (text string, err error) {
	defer a.Close() //nolint:errcheck // it was read
	for {
		c, err := a.Next()
		if errors.Is(err, io.EOF) {
			return text, nil
		}
		if err != nil {
			return text, err
		}
		if c.Kind == messages.ChunkText {
			text += c.Text
		}
	}
}
