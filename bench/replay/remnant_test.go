package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReplyHasToBeTheUpstreams(t *testing.T) {
	t.Parallel()
	const whole = "one two three"
	for name, test := range map[string]struct {
		turn      turn
		different int
	}{
		"whole":                      {turn: turn{End: endWhole, Text: whole}},
		"another text":               {turn: turn{End: endWhole, Text: "one two four"}, different: 1},
		"less, and called whole":     {turn: turn{End: endWhole, Text: "one two"}, different: 1},
		"cut":                        {turn: turn{End: endCut, Text: "one"}},
		"cut before the first word":  {turn: turn{End: endCut}},
		"cut, and another text":      {turn: turn{End: endCut, Text: "two"}, different: 1},
		"cut, and more than was due": {turn: turn{End: endCut, Text: whole + " four"}, different: 1},
	} {
		var f findings
		if f.reply(&test.turn, whole); f.Different != test.different || f.Lost+f.Duplicated != 0 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// shown makes a glimpse whose pieces came 100 ms apart, the last one 100 ms
// before the end.
func shown(response string, pieces ...string) glimpse {
	start := time.Unix(1000, 0)
	g := glimpse{Response: response}
	for i, text := range pieces {
		g.Pieces = append(g.Pieces, piece{At: start.Add(time.Duration(i) * 100 * time.Millisecond), Text: text})
	}
	g.Cut = start.Add(time.Duration(len(pieces)) * 100 * time.Millisecond)
	return g
}

func TestWhatWasShownIsHeldAgainstWhatIsKeptOfIt(t *testing.T) {
	t.Parallel()
	cut := shown("r1", "one", " two")
	anew := turn{End: endWhole, Response: "r2", Text: "other"}
	for name, test := range map[string]struct {
		turn                  turn
		kept, status          string
		different, duplicated int
		shortened             []shortening
	}{
		"all of it":            {turn: anew, kept: "one two", status: "incomplete"},
		"more":                 {turn: anew, kept: "one two three", status: "incomplete"},
		"less":                 {turn: anew, kept: "on", status: "incomplete", shortened: []shortening{{Bytes: 5, Chunks: 2, Age: 200 * time.Millisecond}}},
		"less by a chunk":      {turn: anew, kept: "one", status: "incomplete", shortened: []shortening{{Bytes: 4, Chunks: 1, Age: 100 * time.Millisecond}}},
		"nothing":              {turn: anew, status: "incomplete", shortened: []shortening{{Bytes: 7, Chunks: 2, Age: 200 * time.Millisecond}}},
		"something else":       {turn: anew, kept: "two", status: "incomplete", different: 1},
		"the whole, twice":     {turn: anew, kept: "one two three", status: "completed", duplicated: 1},
		"under the same name":  {turn: turn{End: endWhole, Response: "r1"}, kept: "one two three", status: "completed"},
		"less, called whole":   {turn: turn{End: endWhole, Response: "r1"}, kept: "one", status: "completed", different: 1},
		"less, called cut":     {turn: turn{End: endCut, Response: "r1"}, kept: "one", status: "incomplete", shortened: []shortening{{Bytes: 4, Chunks: 1, Age: 100 * time.Millisecond}}},
		"never acknowledged":   {turn: turn{}, kept: "one two", status: "incomplete"},
		"never, and otherwise": {turn: turn{}, kept: "two", status: "incomplete", different: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f findings
			f.glimpse(&test.turn, &cut, test.kept, test.status)
			if f.Lost != 0 || f.Different != test.different || f.Duplicated != test.duplicated {
				t.Errorf("%+v; want %d different, %d duplicated", f, test.different, test.duplicated)
			}
			if diff := cmp.Diff(test.shortened, f.Shortened); diff != "" {
				t.Errorf("shortened (-want +got):\n%s", diff)
			}
		})
	}
}

// kept is a conversation of three turns, of which the second took three tries.
func kept() *conversation {
	c := &conversation{ID: "c", Turns: []*turn{
		{ask: ask{Question: "q1"}, End: endWhole, Tries: 1}, {ask: ask{Question: "q2"}, End: endWhole, Tries: 3}, {ask: ask{Question: "q3"}, End: endWhole, Tries: 1},
	}}
	return c
}

// answered makes texts into a transcript in which "?" answers are what the
// upstream says, and "<" ones the beginning of that. Questions begin with q.
func answered(texts ...string) []line {
	var lines []line
	for _, text := range texts {
		switch {
		case strings.HasPrefix(text, "q"):
			lines = append(lines, line{Role: "user", Text: text})
		case text == "?":
			lines = append(lines, answer(upstreamReply("", lines)))
		case text == "<":
			lines = append(lines, answer(upstreamReply("", lines)[:40]))
		default:
			lines = append(lines, answer(text))
		}
	}
	return lines
}

func TestTriesThatWereCutMayStay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		got                         []line
		remnants                    int
		lost, different, duplicated int
	}{
		"nothing stays":                   {got: answered("q1", "?", "q2", "?", "q3", "?")},
		"a question":                      {got: answered("q1", "?", "q2", "q2", "?", "q3", "?"), remnants: 1},
		"part of an answer":               {got: answered("q1", "?", "q2", "<", "q2", "?", "q3", "?"), remnants: 1},
		"two tries":                       {got: answered("q1", "?", "q2", "q2", "<", "q2", "?", "q3", "?"), remnants: 2},
		"a whole answer":                  {got: answered("q1", "?", "q2", "?", "q2", "?", "q3", "?"), remnants: 1, duplicated: 1},
		"more than there were tries":      {got: answered("q1", "?", "q2", "<", "q2", "<", "q2", "<", "q2", "?", "q3", "?"), remnants: 2, duplicated: 1, different: 1},
		"of a turn that was tried once":   {got: answered("q1", "<", "q1", "?", "q2", "?", "q3", "?"), duplicated: 1, different: 1},
		"what the upstream did not say":   {got: answered("q1", "?", "q2", "nonsense", "q2", "?", "q3", "?"), remnants: 1, different: 1},
		"the acknowledged answer, twice":  {got: append(answered("q1", "?", "q2", "?"), answered("q1", "?", "q2", "?", "q3", "?")[2:]...), duplicated: 2},
		"and the acknowledged one is not": {got: answered("q1", "?", "q2", "<", "q3", "?"), different: 1},
		"and the rest is not":             {got: answered("q1", "?", "q2"), lost: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := kept()
			seeAll(c, test.got)
			var f findings
			f.conversation(c, test.got)
			if f.Remnants != test.remnants || f.Lost != test.lost || f.Different != test.different || f.Duplicated != test.duplicated {
				t.Errorf("%d remnants, lost %d, different %d, duplicated %d; want %d, %d, %d, %d\n%s", f.Remnants, f.Lost, f.Different, f.Duplicated,
					test.remnants, test.lost, test.different, test.duplicated, strings.Join(f.Notes, "\n"))
			}
		})
	}
}

// seeAll makes the client see of each turn the last answer to its question that
// has all its words; one that has none it saw all the same.
func seeAll(c *conversation, got []line) {
	for _, t := range c.Turns {
		t.Text = "an answer that is not kept"
		for i := range got {
			if i > 0 && isQuestion(got[i-1], t) && strings.Contains(got[i].Text, "word99") {
				t.Text = got[i].Text
			}
		}
	}
}

func TestAnswersDependOnWhatStayed(t *testing.T) {
	t.Parallel()
	got := answered("q1", "?", "q2", "<", "q2", "?", "q3", "?")
	c := kept()
	seeAll(c, got)
	// The third answer was given without the remnant in its history.
	got[len(got)-1] = answer(upstreamReply("", answered("q1", "?", "q2", "?", "q3")))
	c.Turns[2].Text = got[len(got)-1].Text
	var f findings
	if f.conversation(c, got); f.Different != 1 {
		t.Errorf("an answer to another history is not found: %+v", f)
	}
}

func TestChainIsJudgedByWhatItsClientKnows(t *testing.T) {
	t.Parallel()
	c := kept()
	seeAll(c, answered("q1", "?", "q2", "?", "q3", "?"))
	var f findings
	if f.chain(c); f.Different != 0 {
		t.Errorf("a good chain: %+v", f)
	}
	c.Turns[0].Text += "x"
	if f.chain(c); f.Different != 3 {
		t.Errorf("every answer behind one that changed has another history: %+v", f)
	}
	c.Turns[1].End = endUnknown
	f = findings{}
	if f.chain(c); f.Different != 1 {
		t.Errorf("what comes behind a turn that nobody knows cannot be judged: %+v", f)
	}
}
