package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"example.com/parley/bench/report"
)

func TestRanksShareTies(t *testing.T) {
	t.Parallel()
	want := []float64{4, 1.5, 3, 1.5}
	for i, got := range ranks([]float64{9, 2, 5, 2}) {
		if got != want[i] {
			t.Errorf("rank %d is %v, want %v", i, got, want[i])
		}
	}
	if got := spearman([]float64{1, 2, 3, 4}, []float64{10, 20, 30, 1000}); math.Abs(got-1) > 1e-9 {
		t.Errorf("the same order correlates by %v", got)
	}
	if got := areaUnderCurve([]float64{0.1, 0.4, 0.35, 0.8}, []bool{false, false, true, true}); got != 0.75 {
		t.Errorf("the area is %v", got)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	got := verdictOn([]bool{true, true, false, false}, []bool{true, false, true, false})
	if got != (verdict{Precision: 0.5, Recall: 0.5, False: 0.5}) {
		t.Errorf("%+v", got)
	}
}

func TestStreamsAreRepeated(t *testing.T) {
	t.Parallel()
	from, err := clusters(options{})
	if err != nil || len(from) != 40 {
		t.Fatalf("%d clusters, %v", len(from), err)
	}
	a, b, other := streams[0].draw(from, 500, 7), streams[0].draw(from, 500, 7), streams[0].draw(from, 500, 8)
	same, paraphrased := 0, 0
	for i := range a {
		if a[i] != b[i] {
			t.Fatal("two streams of a seed differ")
		}
		if a[i] == other[i] {
			same++
		}
		for _, c := range from {
			if c.name == a[i].cluster && c.questions[0] != a[i].question {
				paraphrased++
			}
		}
	}
	if same > 250 || paraphrased < 60 || paraphrased > 140 {
		t.Errorf("%d of 500 are the same with another seed, %d are paraphrases", same, paraphrased)
	}
}

// TestTheWholeRuns on little, with sets that it makes.
func TestTheWholeRuns(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for file, text := range map[string]string{
		"sts_2015_2016.tsv":     "set\tscore\ta\tb\nx\t5\tA dog runs.\tA dog is running.\nx\t0\tA dog runs.\tTaxes rise.\nx\t2\tA dog runs.\tA cat runs.\n",
		"qqp_dev5k.tsv":         "label\ta\tb\n1\tHow do I peel garlic?\tWhat is the best way to peel garlic?\n0\tWhat do owls eat?\tWhat do cows eat?\n",
		"perturbations.tsv":     "kind\ta\tb\nNEG_number\tCook 2 eggs for lunch\tCook 3 eggs for lunch\nPOS_polite\tWhat do owls eat?\tHi, what do owls eat?\n",
		"qqp_audited_pairs.tsv": "tier\tqqp_label\tjudge_share_answer\ta\tb\nx\t1\t1\tHow do I peel garlic?\tHow can I peel garlic?\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line := report.New(t.Context(), "cache")
	o := options{data: folder, seed: 1, requests: 300, lookups: 100, only: report.Only{Names: []string{"quality", "replay"}}}
	if err := measure(t.Context(), o, line); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"static_sts_spearman": 1, "static_qqp_dev5k_auc": 1, "edits_NEG_number_hits": 0, "edits_POS_polite_hits": 1} {
		if got := line.Figures[name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	exact, _ := line.Figures["replay_B_exact_alone"].(score)
	if b, ok := line.Figures["replay_B"].(score); !ok || b.False > 0 || b.Semantic == 0 || b.Lexical == 0 || b.hits() <= exact.hits() {
		t.Errorf("replay B: %+v", line.Figures["replay_B"])
	}
}

func TestOptionsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"-requests", "1"}, {"-lookups", "1"}, {"more"}, {"-only", "brew"}} {
		if _, err := parseOptions(arguments); err == nil {
			t.Errorf("%q was taken", arguments)
		}
	}
}

func TestLookupsAreTimed(t *testing.T) {
	t.Parallel()
	s, err := newSubject(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	learn(s.ask(t.Context(), "What do owls eat?"), reply)
	if err := s.settled(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	line := report.New(context.WithoutCancel(t.Context()), "cache")
	questions := []string{"How do I paint an old lamp beside the tall kettle?"}
	learn(s.ask(t.Context(), questions[0]), reply)
	if err := s.settled(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if err := s.time(t.Context(), options{seed: 1, lookups: 100}, line, timing{name: "x", questions: questions, readers: 2, semantic: 1e9}); err != nil {
		t.Fatal(err)
	}
	if got, ok := line.Figures["x_exact_p99_us"].(float64); !ok || got <= 0 {
		t.Errorf("%v", line.Figures)
	}
}
