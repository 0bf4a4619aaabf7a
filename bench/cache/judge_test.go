package main

import "testing"

// TestVerdictsKeepToTheirBound also in worlds that the thresholds do not expect, and
// serve something in those that they do. The benchmark has 100 runs of each.
func TestVerdictsKeepToTheirBound(t *testing.T) {
	t.Parallel()
	for name, serves := range map[string]bool{"as_expected": true, "near_and_other": false, "all_at_a_border": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := populations[name]
			const seeds = 8
			all := p.run(seeds, judgeQuestions)
			if all.Within < seeds {
				t.Errorf("%+v", all)
			}
			if serves && all.ServedShare < 0.05 {
				t.Errorf("it serves %.3f of the questions", all.ServedShare)
			}
		})
	}
}
