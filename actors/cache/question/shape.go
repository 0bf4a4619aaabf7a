package question

import (
	"slices"
	"strings"
)

// shaped brings what can be asked in several orders into one. What it returns is
// never longer.
func shaped(words []token) []token {
	if len(words) < 3 {
		return words
	}
	if words[0].text == "which" {
		words[0] = wordWhat
	}
	words = supposed(words)
	words = withoutThat(words)
	words = future(words)
	words = negatedFirst(words)
	words = oneDifference(words)
	words = oneEffect(words)
	words = existing(words)
	words = judgedLast(words)
	words = toBeDone(words)
	words = withoutWorld(words)
	words = ownerFirst(words)
	words = sortAlternatives(words)
	return words
}

// cut takes words[from:to] out, in place.
func cut(words []token, from, to int) []token {
	return append(words[:from], words[to:]...)
}

func word(text string) token { return lexicon[text].token(text) }

// Words that are put in.
var (
	wordAffect, wordExist, wordWhat, wordTo               = word("affect"), word("exist"), word("what"), word("to")
	wordDifference, wordBetween, wordAnd, wordHow, wordDo = word("difference"), word("between"), word("and"), word("how"), word("do")
	wordHappen, wordWill                                  = word("happen"), word("will")
)

// names tells whether words say what something is, and do nothing else: no person
// acts, nothing is joined and no place is told.
func names(words []token) bool {
	found := false
	for i := range words {
		switch words[i].kind {
		case content, number, symbol:
			found = true
		case article:
		default:
			return false
		}
	}
	return found
}

// find returns the place of the first of several words, or -1.
func find(words []token, texts ...string) int {
	for i := range words {
		for _, text := range texts {
			if words[i].text == text {
				return i
			}
		}
	}
	return -1
}

// withoutThat leaves out the "that" which may be left out: "the song (that) you
// like", and asks "which firms use tar" for "what are the firms that use tar".
func withoutThat(words []token) []token {
	for i := 1; i+1 < len(words); i++ {
		if t := words[i].text; t != "that" && t != "which" && t != "who" && t != "whom" || words[i-1].kind != content {
			continue
		}
		switch next := words[i+1]; {
		case next.kind == person && next.traits&isSubject != 0, words[i].text == "that" && next.kind == article:
			words = cut(words, i, i+1)
		case words[0].text == "what" && words[1].kind == be && i > 2 && i <= 7 && next.kind != person && next.kind != negation && names(words[2:i]) && !superlative(words[2:i]):
			return cut(cut(words, i, i+1), 1, 2)
		}
	}
	return words
}

// supposed puts the condition behind what happens then: "if it rains, what will
// happen".
func supposed(words []token) []token {
	n := len(words)
	if words[0].text != "if" || n < 6 || words[n-1].text != "happen" || words[n-2].kind != auxiliary && words[n-2].kind != do || words[n-3].text != "what" {
		return words
	}
	copy(words[2:], words[:n-3])
	words[0], words[1] = wordWhat, wordHappen
	return words[:n-1]
}

// future asks with "will" what is asked with "going to".
func future(words []token) []token {
	helper := 0
	if words[0].kind == asking {
		helper = 1
	}
	going := find(words, "going")
	if going <= helper || going+2 >= len(words) || words[helper].kind != be || words[going+1].text != "to" || words[going+2].kind == article {
		return words
	}
	words[helper] = wordWill
	return cut(words, going, going+2)
}

// negatedFirst puts a "not" behind its auxiliary: "why do owls not sing" is "why
// don't owls sing".
func negatedFirst(words []token) []token {
	helper := 0
	if words[0].kind == asking {
		helper = 1
	}
	if !words[helper].helps() && words[helper].kind != do {
		return words
	}
	for i := helper + 1; i < len(words)-1 && i <= helper+3; i++ {
		switch {
		case words[i].text == "not":
			moved := words[i]
			copy(words[helper+2:i+1], words[helper+1:i])
			words[helper+1] = moved
			return words
		case words[i].kind != content && words[i].kind != article && words[i].kind != person:
			return words
		}
	}
	return words
}

// oneDifference asks for the difference between two things of which one is said to
// be, or asked how it is, different from the other.
func oneDifference(words []token) []token {
	if words[0].text != "how" || words[1].kind != be && words[1].kind != do {
		return words
	}
	middle := find(words, "different", "differ")
	if middle < 3 || middle+2 >= len(words) || words[middle+1].text != "from" && words[middle+1].text != "than" {
		return words
	}
	if !names(words[2:middle]) || !names(words[middle+2:]) {
		return words
	}
	words[0], words[1] = wordDifference, wordBetween
	words[middle] = wordAnd
	return cut(words, middle+1, middle+2)
}

// oneEffect asks how one thing affects another of which the effect on it is asked.
func oneEffect(words []token) []token {
	const has, on = "have", "on"
	if words[0].text != "what" {
		return words
	}
	switch {
	case isEffect[words[1].text] && (words[2].kind == do || words[2].kind == auxiliary):
		if have := find(words, has); have > 3 && have+2 < len(words) && words[have+1].text == on && names(words[3:have]) {
			words[have] = wordAffect
			words = cut(words, have+1, have+2)
			words[0] = wordHow
			return cut(words, 1, 2)
		}
	case words[1].kind == be && isEffect[words[2].text], words[1].kind == be && words[2].kind == article && len(words) > 6 && isEffect[words[3].text]:
		of := find(words, "of")
		if of < 3 || of > 4 {
			return words
		}
		if at := find(words, on); at > of+1 && at+1 < len(words) && names(words[of+1:at]) {
			words[at] = wordAffect
			words[0], words[1] = wordHow, wordDo
			return cut(words, 2, of+1)
		}
	}
	return words
}

var isEffect = setOf("effect effects impact impacts influence consequence consequences affect affects")

// existing asks whether something exists that is asked whether there is such a
// thing, or whether it is real.
func existing(words []token) []token {
	last := len(words) - 1
	switch {
	case words[0].kind == be && words[1].text == "there" && len(words) < 6 && names(words[2:]):
		words[0] = wordDo
		copy(words[1:], words[2:])
		words[last] = wordExist
	case words[0].kind == be && words[last].text == "real" && len(words) < 6 && names(words[1:last]):
		words[0], words[last] = wordDo, wordExist
	}
	return words
}

// judgedLast puts what is said of doing something behind it: "is it safe to eat
// snow" is "is eating snow safe".
func judgedLast(words []token) []token {
	if words[0].kind != be {
		return words
	}
	last := len(words) - 1
	switch {
	case words[1].text == "it" && last >= 4 && isJudgement[words[2].text] && words[3].text == "to" && words[4].kind == content:
		judgement := words[2]
		words = cut(words, 1, 4)
		words[1].text = stem(words[1].text)
		return append(words, judgement)
	case words[1].kind == content && strings.HasSuffix(words[1].text, "ing") && isJudgement[words[last].text] && last > 1:
		words[1].text = stem(words[1].text)
	}
	return words
}

var isJudgement = setOf("safe unsafe dangerous legal illegal good bad healthy unhealthy harmful ok okay wrong right rude ethical immoral moral haram halal normal worth useful easy hard difficult")

// toBeDone makes "books to read" of "books that one should read".
func toBeDone(words []token) []token {
	if words[0].text != "what" || words[1].kind != be {
		return words
	}
	for i := 3; i+2 < len(words); i++ {
		if words[i].text != "should" && words[i].text != "must" && words[i+1].text != "should" && words[i+1].text != "must" {
			continue
		}
		who := i + 1
		if words[i].kind == person {
			who = i
		}
		from := i
		if words[i-1].text == "that" {
			from = i - 1
		}
		if words[from-1].kind == content && isAnybody[words[who].text] && words[i+2].kind == content {
			words[from] = wordTo
			return cut(words, from+1, i+2)
		}
	}
	return words
}

var isAnybody = setOf("i you we one everyone everybody someone somebody anyone anybody people")

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
		if t := words[i].text; words[i].kind == content && (praise[t] || t == "most" || len(t) > 5 && strings.HasSuffix(t, "est") && !noSuperlative[t]) {
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
	for at < end-1 && (words[at].kind == article || praise[words[at].text] || words[at].text == "most" || superlative(words[at:at+1]) || words[at-1].text == "most") {
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

// sortAlternatives puts two things that are compared in one order.
func sortAlternatives(words []token) []token {
	from := 0
	switch {
	case words[0].text == "difference" && words[1].text == "between":
		from = 2
	case words[0].kind == asking && words[1].kind == be && words[2].text == "better":
		if from = 3; len(words) > 3 && words[3].text == "between" {
			words = cut(words, 3, 4)
		}
	case words[0].text == "should" && words[1].kind == person && len(words) > 5 && words[2].kind == content:
		from = 3
	default:
		return words
	}
	joint := find(words[from:], "or", "vs") + from
	if joint < from && words[0].kind != auxiliary {
		joint = find(words[from:], "and") + from
	}
	if joint <= from || joint+1 >= len(words) || !names(words[from:joint]) || !names(words[joint+1:]) {
		return words
	}
	words[joint] = wordAnd
	left, right := words[from:joint], words[joint+1:]
	if !before(right, left) {
		return words
	}
	kept := append(make([]token, 0, 8), left...)
	n := copy(words[from:], right)
	words[from+n] = wordAnd
	copy(words[from+n+1:], kept)
	return words
}

// before tells which of two names stands first where the order says nothing.
func before(a, b []token) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if x, y := a[i].basic(), b[i].basic(); x != y {
			return x < y
		}
	}
	return len(a) < len(b)
}
