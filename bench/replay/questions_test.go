package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestQuestionsAreReadByColumn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file, column string
		want         []string
		fails        string
	}{
		"the column that is named":  {file: "intent\tquery\ngreet\thi\nask\twhy?\n", column: "query", want: []string{"hi", "why?"}},
		"the other one":             {file: "intent\tquery\ngreet\thi\n", column: "intent", want: []string{"greet"}},
		"quotes are characters":     {file: "query\nsay \"hi\"\n\"x\n", column: "query", want: []string{`say "hi"`, `"x`}},
		"a mark and line ends":      {file: "\ufeffquery\r\nhi\r\n", column: "query", want: []string{"hi"}},
		"empty rows and cells":      {file: "a\tquery\n\nx\t \nx\thi\n", column: "query", want: []string{"hi"}},
		"no line end at the end":    {file: "query\nhi", column: "query", want: []string{"hi"}},
		"other scripts":             {file: "query\n「はい」\n", column: "query", want: []string{"「はい」"}},
		"a column that is not here": {file: "a\tb\nx\ty\n", column: "query", fails: `name one of ["a" "b"]`},
		"a row that is too short":   {file: "a\tquery\nx\n", column: "query", fails: "line 2"},
		"an empty file":             {column: "query", fails: "empty"},
		"a header alone":            {file: "query\n", column: "query", fails: "none"},
		"another encoding":          {file: "query\nna\xefve\n", column: "query", fails: "UTF-8"},
		"a line without end":        {file: "query\n" + strings.Repeat("x", maxLine+1), column: "query", fails: "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readQuestions(strings.NewReader(test.file), test.column)
			switch {
			case test.fails == "" && err != nil:
				t.Fatal(err)
			case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)):
				t.Errorf("error %v, want one that says %q", err, test.fails)
			case !slices.Equal(got, test.want):
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestOwnQuestionsAreReadable(t *testing.T) {
	t.Parallel()
	file, err := os.Open("questions.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	questions, err := readQuestions(file, "query")
	if err != nil {
		t.Fatal(err)
	}
	if len(questions) < 200 {
		t.Errorf("%d questions", len(questions))
	}
}

func TestPlanAsksEveryQuestionOnceInAllWays(t *testing.T) {
	t.Parallel()
	questions := make([]string, 1000)
	for i := range questions {
		questions[i] = strings.Repeat("q", i+1)
	}
	var asked []string
	streamed := 0
	held := make(map[way]int)
	upstream := make(map[string]int)
	turns := make(map[int]int)
	for i, s := range plan(questions, 1) {
		if s.Number != i {
			t.Errorf("script %d has number %d", i, s.Number)
		}
		held[s.Way]++
		turns[len(s.Asks)]++
		for _, a := range s.Asks {
			asked = append(asked, a.Question)
			upstream[a.Model]++
			if a.Stream {
				streamed++
			}
		}
	}
	if !slices.Equal(asked, questions) {
		t.Error("not every question is asked once")
	}
	if streamed != len(questions)/2 {
		t.Errorf("%d of %d are streamed", streamed, len(questions))
	}
	if len(held) != int(ways) || len(upstream) != len(models) || len(turns) != maxTurns {
		t.Errorf("ways %v, models %v, lengths %v: some are missing", held, upstream, turns)
	}
	same, other := plan(questions, 1), plan(questions, 2)
	if !slices.EqualFunc(same, plan(questions, 1), equalScripts) || slices.EqualFunc(same, other, equalScripts) {
		t.Error("a plan is not a function of its seed")
	}
}

func equalScripts(a, b script) bool {
	return a.Number == b.Number && a.Way == b.Way && slices.Equal(a.Asks, b.Asks)
}
