package question

import "slices"

// withoutCourtesy takes off greetings, and asking to be told.
func withoutCourtesy(words []token) []token {
	for again := true; again; {
		again = false
		if len(words) == 0 {
			return words
		}
		for _, phrase := range courtesies[words[0].text] {
			if begins(words, phrase) && len(words) > len(phrase) {
				words, again = words[len(phrase):], true
				break
			}
		}
	}
	for again := true; again; {
		again = false
		for _, phrase := range thanks {
			if rest := len(words) - len(phrase); rest > 0 && begins(words[rest:], phrase) {
				words, again = words[:rest], true
			}
		}
	}
	return words
}

func begins(words []token, phrase []string) bool {
	if len(words) < len(phrase) {
		return false
	}
	for i, want := range phrase {
		if words[i].text != want {
			return false
		}
	}
	return true
}

// loose returns the words that say something in their basic forms, with the ways
// to ask for the same made one.
func loose(words []token) []Word {
	words = shaped(praiseFirst(uninverted(rewritten(words))))
	two := ofTwo(words)
	f, taken := framed(words)
	words = words[taken:]
	mayDo := false
	if f == nil {
		words, mayDo = spoken(words)
	} else {
		words = f.asked(words)
	}
	general := !two && (f != nil || ofAnybody(words))
	kept := words[:0]
	for i, t := range words {
		if t.kind == article || saysNothing(words, i, isLoosePlace) || f != nil && !two && owned(words, i) {
			continue
		}
		kept = append(kept, t)
	}
	sortPairs(kept)
	out := make([]Word, 0, len(kept)+1)
	switch {
	case f != nil:
		out = append(out, Word{Form: f.form})
	case mayDo:
		out = append(out, Word{Form: formDo})
	}
	for _, t := range kept {
		out = append(out, looseWord(t, general))
	}
	return out
}

var formDo = hashOf("do")

// sortPairs puts "jam and marmalade" and "marmalade and jam" in one order, where
// the words beside "and" stand alone.
func sortPairs(words []token) {
	single := func(i int) bool { return i < 0 || i >= len(words) || words[i].kind != content }
	for i := 1; i+1 < len(words); i++ {
		left, right := &words[i-1], &words[i+1]
		if words[i].text == "and" && left.kind == content && right.kind == content && single(i-2) && single(i+2) && left.text > right.text {
			*left, *right = *right, *left
		}
	}
}

// looseWord is the word that stands for all that mean the same. Where a question
// is of people in general, "I" and "you" are the same.
func looseWord(t token, general bool) Word {
	switch t.kind {
	case content:
		form := t.basic()
		if t.traits&hasSynonym != 0 || form != t.text {
			if same, found := synonyms[form]; found {
				form = same
			}
		}
		return Word{Form: hashOf(form), Letters: letters(form), Root: root(form)}
	case person:
		if general {
			if same, found := anybody[t.text]; found {
				return Word{Form: hashOf(same)}
			}
		}
	case be, do, asking, auxiliary:
		if same, found := sameForm[t.text]; found {
			return Word{Form: hashOf(same)}
		}
	}
	return Word{Form: hashOf(t.text)}
}

// mostThings is how many words name what is praised: "which mountain bike is best".
const mostThings = 3

// praiseFirst makes "what is the best phone for a child" of "which phone is the best
// for a child".
func praiseFirst(words []token) []token {
	if len(words) < 4 || words[0].text != "which" && words[0].text != "what" {
		return words
	}
	things := 1
	for things < len(words) && things <= mostThings && words[things].kind == content {
		things++
	}
	adjective := things + 1
	for adjective < len(words) && words[adjective].kind == article {
		adjective++
	}
	if things == 1 || adjective >= len(words) || words[things].kind != be || words[adjective].traits&isPraise == 0 {
		return words
	}
	thing := slices.Clone(words[1:things])
	words[1], words[2] = words[things], words[adjective]
	copy(words[3:], thing)
	return append(words[:3+len(thing)], words[adjective+1:]...)
}

// helps tells of verbs that go before their subject in a question.
func (t token) helps() bool { return t.kind == auxiliary || t.kind == be }

// uninverted puts an auxiliary before its person, as in a question of its own:
// "which one I should buy" is "which one should I buy".
func uninverted(words []token) []token {
	for i := 0; i+1 < len(words); i++ {
		if words[i].traits&isSubject != 0 && words[i].kind == person && words[i+1].helps() && (i == 0 || !words[i-1].helps() && words[i-1].kind != do) {
			words[i], words[i+1] = words[i+1], words[i]
			i++
		}
	}
	return words
}
