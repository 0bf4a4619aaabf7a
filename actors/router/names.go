package router

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/parley/messages"
)

// maxNearest is how many names a mistyped one is answered with.
const maxNearest = 3

// absent says that there is no such model, and which may have been meant.
func absent(model string, cards []messages.ModelCard) error {
	f := &messages.Failure{
		Code: messages.CodeModelNotFound, What: "there is no model " + shown(model), Param: "model", NoRetry: true,
		Do: "choose one that GET /v1/models lists, or name a provider's as provider/model",
	}
	if names := nearest(model, cards); len(names) > 0 {
		f.Do = "did you mean " + strings.Join(names, ", ") + "? GET /v1/models lists all"
	}
	return f
}

// noProvider says that a request named a provider that there is not.
func (t *table) noProvider(target messages.Target, allowed *messages.Allowed) error {
	return &messages.Failure{
		Code: messages.CodeModelNotFound, What: "there is no provider " + shown(target.Provider), NoRetry: true,
		Do: "name one of " + strings.Join(t.providersFor(allowed), ", "), Param: "x-parley-route",
	}
}

// shown quotes as much of a name as belongs into an error.
func shown(model string) string {
	if len(model) > maxName {
		return fmt.Sprintf("%q...", strings.ToValidUTF8(model[:maxName], ""))
	}
	return fmt.Sprintf("%q", model)
}

// nearest returns the names that differ least from model, nearest first: at
// most three, and none that differs in more than a third of its letters.
func nearest(model string, cards []messages.ModelCard) []string {
	if model == "" || len(model) > maxName || !utf8.ValidString(model) {
		return nil
	}
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	asked := []rune(strings.ToLower(model))
	for _, card := range cards {
		name := []rune(strings.ToLower(card.Name))
		if d := distance(asked, name); d <= max(len(asked), len(name))/3 {
			near = append(near, candidate{card.Name, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	names := make([]string, 0, maxNearest)
	for _, c := range near[:min(len(near), maxNearest)] {
		names = append(names, c.name)
	}
	return names
}

// distance is the number of letters to insert, delete or replace to turn a into
// b (Levenshtein's), with one row of the table kept.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
