package question

import "strings"

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
	if !words[helper].helps() && words[helper].kind != do || strings.HasSuffix(words[helper+1].text, "ing") { // not eating is done as eating is
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
