package question

import "strings"

// basic is the word without the ending of its plural, as Americans spell it.
func (t token) basic() string {
	switch {
	case t.kind != content:
		return t.text
	case t.traits&isIrregular != 0:
		return irregular[t.text]
	default:
		return american(singular(t.text))
	}
}

// singular takes the plural's ending off an English word that is regular (the
// S-stemmer, Harman 1991). Longer endings stay: an engineer is not engineering.
func singular(word string) string {
	n := len(word)
	switch {
	case n < 4 || word[n-1] != 's':
		return word
	case strings.HasSuffix(word, "ies") && n > 4 && word[n-4] != 'e' && word[n-4] != 'a':
		return word[:n-3] + "y"
	case strings.HasSuffix(word, "oes") && n > 5, strings.HasSuffix(word, "sses"), strings.HasSuffix(word, "xes"), strings.HasSuffix(word, "ches"), strings.HasSuffix(word, "shes"):
		return word[:n-2]
	case word[n-2] == 's' || word[n-2] == 'u' || word[n-2] == 'i':
		return word
	default:
		return word[:n-1]
	}
}

// fewestBritish is how many letters a word has that is spelt in two ways: "prise" is
// no prize, and four is not "for".
const fewestBritish = 6

// american is the American spelling of a British word: organise, flavour, litre,
// dialogue, and what comes of them. Words that only one spelling has may come out
// misspelt, which does no harm as long as they are no other word.
func american(word string) string {
	n := len(word)
	if n < fewestBritish-1 {
		return word
	}
	switch word[n-1] {
	case 'e':
		switch {
		case strings.HasSuffix(word, "ise") && n >= fewestBritish:
			return word[:n-2] + "ze"
		case strings.HasSuffix(word, "tre"):
			return word[:n-2] + "er"
		case strings.HasSuffix(word, "ogue") && n > fewestBritish:
			return word[:n-2]
		}
	case 'r':
		if strings.HasSuffix(word, "our") && n > fewestBritish-1 {
			return word[:n-2] + "r"
		}
		if strings.HasSuffix(word, "iser") && n > fewestBritish {
			return word[:n-3] + "zer"
		}
	case 'n':
		if strings.HasSuffix(word, "isation") {
			return word[:n-6] + "zation"
		}
	case 'g':
		if strings.HasSuffix(word, "ising") && n > fewestBritish {
			return word[:n-4] + "zing"
		}
		if strings.HasSuffix(word, "ouring") && n > fewestBritish {
			return word[:n-5] + "ring"
		}
	case 'd':
		if strings.HasSuffix(word, "ised") && n > fewestBritish-1 {
			return word[:n-3] + "zed"
		}
		if strings.HasSuffix(word, "oured") && n > fewestBritish {
			return word[:n-4] + "red"
		}
	}
	return word
}

// stem is a verb without "ing", or the "e" that goes before it.
func stem(verb string) string {
	left, found := withoutEnding(verb)
	if !found || strings.HasSuffix(verb, "ed") || len(left) < 3 || !strings.ContainsAny(left, "aeiouy") {
		return verb
	}
	if n := len(left); left[n-1] == left[n-2] && left[n-1] != 's' && left[n-1] != 'l' && left[n-1] != 'e' {
		return left[:n-1]
	}
	return left
}
