package question

import (
	"slices"
	"strings"
)

// withoutWorld leaves out, where the best of all is asked for, that it is the best of
// the world, or that somebody has known.
func withoutWorld(words []token) []token {
	if !superlative(words) {
		return words
	}
	if n := len(words); n > 4 && words[n-1].text == "world" && words[n-2].text == "in" {
		words = words[:n-2]
	}
	if n := len(words); n > 4 && words[n-1].text == "know" && words[n-2].text == "you" && (words[n-3].kind == content) {
		words = words[:n-2]
	}
	for i := 3; i+1 < len(words); i++ {
		if t := words[i].text; (t == "have" || t == "has") && (words[i+1].kind == content || words[i+1].text == "had" || words[i+1].text == "done") && words[i-1].kind != do && words[i-1].text != "to" {
			return cut(words, i, i+1)
		}
	}
	return words
}

// superlative tells whether the best, the oldest or the most famous is asked for.
func superlative(words []token) bool {
	for i := range words {
		if t := words[i].text; words[i].kind == content && (words[i].traits&isPraise != 0 || t == "most" || len(t) > 5 && strings.HasSuffix(t, "est") && !noSuperlative[t]) {
			return true
		}
	}
	return false
}

// noSuperlative are words that end as superlatives do.
var noSuperlative = setOf("interest honest forest request contest suggest protest harvest modest invest arrest digest conquest earnest tempest manifest behest attest")

// longestName is how many words name what is asked for, in a question that is read.
const longestName = 16

// ownerFirst puts what something is of, for or in before it, behind what praises it:
// "the business model of Uber" is "Uber's business model", and "schools in Rome for
// deaf children" are "Rome deaf children schools".
func ownerFirst(words []token) []token {
	if words[0].text != "what" || words[1].kind != be {
		return words
	}
	end, places := 2, 0
	for ; end < len(words) && (words[end].text != "to" || end == len(words)-1); end++ {
		t := &words[end]
		switch {
		case t.traits&isLoosePlace != 0:
			places++
		case t.kind != content && t.kind != article && t.kind != number && (t.kind != person || t.traits&isOwner == 0):
			return words
		}
	}
	if places == 0 || end-2 > longestName || words[2].traits&isLoosePlace != 0 || words[end-1].traits&isLoosePlace != 0 {
		return words
	}
	at := 2
	for at < end-1 && (words[at].kind == article || words[at].traits&isPraise != 0 || words[at].text == "most" || superlative(words[at:at+1]) || words[at-1].text == "most") {
		at++
	}
	var room [longestName]token
	name := append(room[:0], words[at:end]...)
	thing := slices.IndexFunc(name, token.isPlace)
	if thing < 1 || isMeasure[name[thing-1].text] {
		return words
	}
	out := words[:at]
	if i := slices.IndexFunc(name, func(t token) bool { return t.kind == person }); i >= 0 {
		out = slices.Insert(out, 2, name[i])
	}
	for _, place := range nearness {
		for to := len(name); to > thing; { // the last is the farthest
			from := to - 1
			for !name[from].isPlace() {
				from--
			}
			if strings.Contains(place, name[from].text) {
				out = appendNames(out, name[from+1:to])
			}
			to = from
		}
	}
	out = appendNames(out, name[:thing])
	return append(out, words[end:]...)
}

// nearness are the prepositions of what stands farther from a name, and nearer.
var nearness = []string{"in at", "for", "on", "of"}

func (t token) isPlace() bool { return t.traits&isLoosePlace != 0 }

// appendNames appends the words that are no articles and name nobody.
func appendNames(dst, names []token) []token {
	for _, t := range names {
		if t.kind != article && t.kind != person {
			dst = append(dst, t)
		}
	}
	return dst
}

// isMeasure are things that hold others: a glass of wine is no wine glass.
var isMeasure = setOf("bottle bottles cup cups glass glasses can cans box boxes bag bags pack packs bowl bowls jar jars piece pieces kind type types part parts way ways lot number amount set pair group end top use")
