package question

import (
	"strings"
	"testing"
)

// TestNoTwoGroupsHaveTheSameWords: which of them counted would be chance.
func TestNoTwoGroupsHaveTheSameWords(t *testing.T) {
	t.Parallel()
	for _, texts := range []map[string]string{rewriteTexts, firstTexts} {
		seen := make(map[string]string)
		for from, to := range texts {
			for _, words := range inFull(strings.Fields(from)) {
				if other, known := seen[words]; known && texts[other] != to {
					t.Errorf("%q is of the groups %q and %q", words, other, from)
				}
				seen[words] = from
				if strings.Count(words, " ") < strings.Count(to, " ") {
					t.Errorf("%q is longer than %q, for which it stands", to, words)
				}
			}
		}
	}
}

// inFull are all texts that a group stands for.
func inFull(slots []string) (all []string) {
	if len(slots) == 0 || slots[0] == "$" {
		return []string{""}
	}
	words, optional := strings.CutSuffix(slots[0], "?")
	rest := inFull(slots[1:])
	for word := range strings.SplitSeq(words, "|") {
		for _, r := range rest {
			all = append(all, word+" "+r)
		}
	}
	if optional {
		all = append(all, rest...)
	}
	return all
}
