package main

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"example.com/parley/actors/cache/judged"
	"example.com/parley/bench/report"
)

// What every run of the simulation has in common.
const (
	judgeBound     = 0.02
	judgeSeeds     = 100
	judgeQuestions = 20_000
)

var judgeNoise = judged.Noise{FalseYes: 0.03, FalseNo: 0.03}

// population is a world of replies and questions, and what is true of them. The cache
// learns of it what a judge says who errs.
type population struct {
	replies  int
	place    [2]float64 // between these is where half of the questions are served
	slope    [2]float64
	cosine   [2]float64
	nowhere  float64 // share of replies that serve no other question
	liesNear float64 // share of questions that are near, and mean something else
}

// populations are worlds as the thresholds expect them, and others.
var populations = map[string]population{
	"as_expected":     {replies: 60, place: [2]float64{0.6, 0.9}, slope: [2]float64{20, 60}, cosine: [2]float64{0.5, 1}},
	"some_alone":      {replies: 60, place: [2]float64{0.6, 0.9}, slope: [2]float64{20, 60}, cosine: [2]float64{0.5, 1}, nowhere: 0.3},
	"flat":            {replies: 40, place: [2]float64{0.5, 0.9}, slope: [2]float64{5, 9}, cosine: [2]float64{0.5, 1}},
	"near_and_other":  {replies: 40, place: [2]float64{0.6, 0.8}, slope: [2]float64{30, 60}, cosine: [2]float64{0.6, 1}, liesNear: 0.05},
	"few_of_each":     {replies: 2000, place: [2]float64{0.6, 0.9}, slope: [2]float64{20, 60}, cosine: [2]float64{0.6, 1}, nowhere: 0.1},
	"all_at_a_border": {replies: 60, place: [2]float64{0.75, 0.8}, slope: [2]float64{80, 200}, cosine: [2]float64{0.7, 0.85}},
}

// lived is what came of a run.
type lived struct{ served, wrong, judged int }

// share is how many of the served were wrong.
func (l lived) share() float64 {
	if l.served == 0 {
		return 0
	}
	return float64(l.wrong) / float64(l.served)
}

// live lets questions come, one after the other.
func (p *population) live(seed uint64, questions int) (l lived) {
	r := rand.New(rand.NewPCG(seed, 7)) // #nosec G404 -- a simulation
	between := func(bounds [2]float64) float64 { return bounds[0] + r.Float64()*(bounds[1]-bounds[0]) }
	type reply struct {
		lesson       judged.Lesson
		place, slope float64
	}
	replies := make([]reply, p.replies)
	for i := range replies {
		replies[i].place, replies[i].slope = between(p.place), between(p.slope)
		if r.Float64() < p.nowhere {
			replies[i].place = math.Inf(1)
		}
	}
	class, gate := judged.NewClass(judgeBound, judgeNoise), judged.NewGate(judgeBound, judgeNoise)
	for range questions {
		of := &replies[int(float64(p.replies)*math.Pow(r.Float64(), 2))] // some are asked for more often
		cosine := between(p.cosine)
		right := r.Float64() < 1/(1+math.Exp(-of.slope*(cosine-of.place))) && r.Float64() >= p.liesNear
		above := cosine >= class.Threshold(&of.lesson)
		if above && gate.Open() {
			if l.served++; !right {
				l.wrong++
			}
			if r.Float64() >= judged.AuditShare {
				continue
			}
		}
		l.judged++
		yes := right
		if lie := r.Float64(); right && lie < judgeNoise.FalseNo || !right && lie < judgeNoise.FalseYes {
			yes = !yes
		}
		if above {
			gate.Judge(yes)
		}
		class.Learn(&of.lesson, cosine, yes)
	}
	return l
}

// judgeRuns is what came of many runs of one population.
type judgeRuns struct {
	Within      int     `json:"within_bound"`
	Worst       float64 `json:"worst_error"`
	ServedShare float64 `json:"served_share"`
	JudgedShare float64 `json:"judged_share"`
}

func (p *population) run(seeds, questions int) (all judgeRuns) {
	for seed := range uint64(seeds) {
		l := p.live(seed, questions)
		all.ServedShare += float64(l.served) / float64(seeds*questions)
		all.JudgedShare += float64(l.judged) / float64(seeds*questions)
		if all.Worst = max(all.Worst, l.share()); l.share() <= judgeBound {
			all.Within++
		}
	}
	return all
}

// judgeSimulation tells whether what verdicts serve stays within the bound.
func judgeSimulation(line *report.Report) {
	for _, name := range slices.Sorted(maps.Keys(populations)) {
		p := populations[name]
		all := p.run(judgeSeeds, judgeQuestions)
		line.Figure("judge_"+name, all)
		line.Target(report.AtLeast("judge_"+name+"_within_bound", 95, float64(all.Within)))
	}
}
