package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// said makes a transcript of questions and answers in turn.
func said(texts ...string) []line {
	lines := make([]line, len(texts))
	for i, text := range texts {
		lines[i] = line{Role: []string{"user", "assistant"}[i%2], Text: text}
	}
	return lines
}

func optional(l line) line { l.Optional = true; return l }

func anything(l line) line { l.Optional, l.Any = true, true; return l }

func TestComparisonFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	told := said("q1", "a1", "q2", "a2", "q3", "a3")
	for name, test := range map[string]struct {
		want, got                   []line
		lost, different, duplicated int
	}{
		"nothing, when all is there":      {want: told, got: told},
		"nothing, in an empty one":        {},
		"an item in the middle is lost":   {want: told, got: said("q1", "a1", "q2", "a2", "q3", "a3")[:5], lost: 1},
		"the first item is lost":          {want: told, got: told[1:], lost: 1},
		"a whole turn is lost":            {want: told, got: append(said("q1", "a1"), told[4:]...), lost: 2},
		"everything is lost":              {want: told, lost: 6},
		"a text is different":             {want: told, got: said("q1", "a1", "q2", "a2 and more", "q3", "a3"), different: 1},
		"a text is shorter":               {want: told, got: said("q1", "a1", "q2", "a", "q3", "a3"), different: 1},
		"a turn is there twice":           {want: told, got: said("q1", "a1", "q2", "a2", "q2", "a2", "q3", "a3"), duplicated: 2},
		"a question is there twice":       {want: told, got: append(said("q1", "a1", "q2"), told[2:]...), duplicated: 1},
		"the last is there twice":         {want: told, got: append(said("q1", "a1", "q2", "a2", "q3", "a3"), told[5]), duplicated: 1},
		"turns have changed places":       {want: told, got: said("q2", "a2", "q1", "a1", "q3", "a3"), lost: 2, duplicated: 2},
		"somebody else's item":            {want: told, got: append(said("q1", "a1", "q2", "a2", "q3", "a3"), said("x", "y")...), different: 2},
		"a role is different":             {want: said("q1", "a1"), got: []line{{Role: "user", Text: "q1"}, {Role: "user", Text: "a1"}}, lost: 1, different: 1},
		"an optional line may be missing": {want: []line{told[0], optional(told[1]), told[2]}, got: []line{told[0], told[2]}},
		"an optional line may be there":   {want: []line{told[0], optional(told[1]), told[2]}, got: []line{told[0], told[1], told[2]}},
		"an optional line is different":   {want: []line{told[0], optional(told[1]), told[2]}, got: []line{told[0], {Role: "assistant", Text: "x"}, told[2]}, different: 1},
		"what nobody knows may be there":  {want: []line{told[0], anything(told[1])}, got: []line{told[0], {Role: "assistant", Text: "x"}}},
		"equal turns are both needed":     {want: said("hi", "yes", "hi", "yes"), got: said("hi", "yes"), lost: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f findings
			f.compare("c", test.want, test.got)
			if f.Lost != test.lost || f.Different != test.different || f.Duplicated != test.duplicated {
				t.Errorf("lost %d, different %d, duplicated %d; want %d, %d, %d\n%s", f.Lost, f.Different, f.Duplicated,
					test.lost, test.different, test.duplicated, strings.Join(f.Notes, "\n"))
			}
			if wrong := test.lost + test.different + test.duplicated; len(f.Notes) != wrong {
				t.Errorf("%d notes on %d faults: %q", len(f.Notes), wrong, f.Notes)
			}
		})
	}
}

func TestTranscriptAsksForWhatWasAcknowledgedAlone(t *testing.T) {
	t.Parallel()
	c := conversation{Turns: []*turn{
		{ask: ask{Question: "q1"}, End: endWhole, Text: "a1"},
		{ask: ask{Question: "q2"}, End: endCut, Text: ""},
		{ask: ask{Question: "q3"}, End: endCut, Text: "a"},
		{ask: ask{Question: "q4"}, End: endUnknown},
	}}
	want := []line{
		{Role: "user", Text: "q1"},
		{Role: "assistant", Text: "a1"},
		{Role: "user", Text: "q2"},
		{Role: "assistant", Optional: true},
		{Role: "user", Text: "q3"},
		{Role: "assistant", Text: "a"},
		{Role: "user", Text: "q4", Optional: true},
		{Role: "assistant", Optional: true, Any: true},
	}
	if diff := cmp.Diff(want, c.transcript()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNotesAreBounded(t *testing.T) {
	t.Parallel()
	var f findings
	for range 10 * maxNotes {
		f.lost("x")
	}
	if len(f.Notes) != maxNotes || f.Lost != 10*maxNotes {
		t.Errorf("%d notes on %d", len(f.Notes), f.Lost)
	}
}
