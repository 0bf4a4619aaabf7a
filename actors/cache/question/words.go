package question

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a word does in a sentence.
type kind uint8

const (
	content     kind = iota
	article          // a, the, some
	asking           // what, how
	auxiliary        // can, should
	be               // is, were
	do               // do, does, did
	person           // I, your
	preposition      // to, for
	joint            // and, if, that
	negation
	number // anything with a digit
	symbol // $, +, and letters of other alphabets
)

// token is a word as it stands in a text, in lower case.
type token struct {
	text    string
	kind    kind
	traits  trait
	inGroup uint16 // which of the words of groups it is; 0 of all others
}

// steers tells of words that are nothing without others.
func (t token) steers() bool {
	switch t.kind {
	case content, number, symbol:
		return false
	default:
		return true
	}
}

// split cuts a text in lower case into words, with contractions in full. Punctuation
// ends words and goes; symbols that change a meaning are words.
func split(dst []token, text string) []token {
	start, joined := -1, false // of the word, and whether it has more than letters and digits
	for i, r := range text {
		if inWord(r) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			if joinsWord(r) && followed(text, i+utf8.RuneLen(r)) {
				joined = true
				continue
			}
			dst = appendWord(dst, text[start:i], joined)
			start, joined = -1, false
		}
		if tells(r) {
			dst = append(dst, token{text: text[i : i+utf8.RuneLen(r)], kind: symbol}.listed())
		}
	}
	if start >= 0 {
		dst = appendWord(dst, text[start:], joined)
	}
	for i := 0; i+1 < len(dst); i++ { // $5 is 5$
		if dst[i].kind == symbol && dst[i+1].kind == number {
			dst[i], dst[i+1] = dst[i+1], dst[i]
			i++
		}
	}
	return dst
}

func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

// joinsWord tells of what may stand within a word: an apostrophe, and the point or
// comma of a number or an abbreviation.
func joinsWord(r rune) bool { return r == '\'' || r == '’' || r == '.' || r == ',' }

// followed tells whether a word goes on at i: "3.5", "u.s", "what's".
func followed(text string, i int) bool {
	r, _ := utf8.DecodeRuneInString(text[min(i, len(text)):])
	return inWord(r) && r != utf8.RuneError
}

// tells is true of symbols that change what a text asks: currencies, operators,
// emoji. Quotation marks, brackets, dashes and full stops do not.
func tells(r rune) bool {
	switch r {
	case '+', '#', '%', '=', '<', '>', '@', '^', '*', '~', '|', '\\', '&', '$', '°':
		return true
	default:
		return r >= utf8.RuneSelf && r != utf8.RuneError && unicode.In(r, unicode.Sc, unicode.So, unicode.Sm)
	}
}

// appendWord appends a word, or several where it is a contraction.
func appendWord(dst []token, word string, joined bool) []token {
	if joined {
		word = strings.ReplaceAll(word, "’", "'")
	}
	k, found := lexicon[word]
	switch {
	case k.whole != nil:
		for _, part := range k.whole {
			dst = append(dst, lexicon[part].token(part))
		}
		return dst
	case found:
		return append(dst, k.token(word))
	case joined:
		return appendJoined(dst, word)
	default:
		return append(dst, unlisted(word))
	}
}

// token is the word as the lists have it.
func (k known) token(word string) token {
	if k.digits != "" {
		word = k.digits
	}
	return token{text: word, kind: k.kind, traits: k.traits, inGroup: k.inGroup}
}

// listed is a token that was not looked for in the lists, with what they say of its
// text by itself.
func (t token) listed() token {
	k := lexicon[t.text]
	t.traits |= k.traits & (isIrregular | hasSynonym)
	t.inGroup = k.inGroup
	return t
}

// appendJoined appends what has a point, a comma or an apostrophe between letters:
// a number, an abbreviation, or several words.
func appendJoined(dst []token, word string) []token {
	if at := strings.IndexByte(word, '\''); at >= 0 {
		if dst = appendPart(dst, word[:at]); word[at+1:] == "s" { // a possessive
			return dst
		}
		return appendPart(dst, word[at+1:])
	}
	if at := strings.IndexAny(word, ".,"); at >= 0 && !hasDigit(word) {
		if abbreviation(word) {
			return append(dst, token{text: strings.ReplaceAll(word, ".", ""), kind: content}.listed())
		}
		return appendPart(appendPart(dst, word[:at]), word[at+1:])
	}
	return append(dst, unlisted(word))
}

// appendPart appends a part of a word that was cut.
func appendPart(dst []token, part string) []token {
	if part == "" {
		return dst
	}
	return appendWord(dst, part, strings.ContainsAny(part, "'.,"))
}

// abbreviation tells of single letters with points between them: u.s.a
func abbreviation(word string) bool {
	for i := range len(word) {
		if (word[i] == '.') != (i%2 == 1) {
			return false
		}
	}
	return true
}

func hasDigit(word string) bool { return digits(word) > 0 }

// unlisted is a word that no list has.
func unlisted(word string) token {
	if hasDigit(word) {
		return token{text: strings.ReplaceAll(word, ",", ""), kind: number}
	}
	if r, _ := utf8.DecodeRuneInString(word); r >= utf8.RuneSelf && !unicode.Is(unicode.Latin, r) {
		return token{text: word, kind: symbol}
	}
	return token{text: word, kind: content}
}

// letters hashes the letters of a word in any order. Short words have too many
// neighbours that are words as well.
func letters(word string) uint16 {
	if len(word) < 5 {
		return 0
	}
	var room [24]byte
	sorted := append(room[:0], word...)
	slices.Sort(sorted[1:]) // the first letter is seldom wrong
	return short(hashOf(string(sorted)))
}

// root hashes what is left of a word without the ending of its verb. It is 0 where
// that is too short to say which word it was.
func root(word string) uint16 {
	if stem, found := withoutEnding(word); found && len(stem) >= 4 {
		if n := len(stem); stem[n-1] == stem[n-2] {
			stem = stem[:n-1]
		}
		return short(hashOf(stem))
	}
	if len(word) < 4 {
		return 0
	}
	return short(hashOf(word))
}

// withoutEnding takes off "ing", "ed" or "e".
func withoutEnding(word string) (stem string, found bool) {
	n := len(word)
	switch {
	case n > 3 && word[n-1] == 'g' && word[n-2] == 'n' && word[n-3] == 'i':
		return word[:n-3], true
	case n > 2 && word[n-1] == 'd' && word[n-2] == 'e':
		return word[:n-2], true
	case n > 1 && word[n-1] == 'e':
		return word[:n-1], true
	default:
		return word, false
	}
}

// short is a hash in 16 bits, and never 0.
func short(hash uint32) uint16 { return uint16(hash>>16) ^ uint16(hash&0xffff) | 1 } // #nosec G115 -- both halves are wanted
