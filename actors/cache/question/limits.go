package question

import (
	"strings"
	"unicode/utf8"
)

// Reason says why a text is compared as a whole only. It is a metric's label and
// part of answers, never content.
type Reason string

// The reasons. What they stand for is in docs/decisions/semantic-cache.md.
const (
	TooShort    Reason = "short"   // too few words say something
	TooLong     Reason = "long"    // over 512 tokens: small differences do not show
	Deictic     Reason = "deictic" // "this", "below": what is meant is not in the text
	Time        Reason = "time"    // "today", "latest": the answer will be another soon
	Calculation Reason = "calculation"
	Code        Reason = "code"
	Personal    Reason = "personal" // names an account, an address, a number of somebody's
)

// literal tells of texts in which every character may matter.
func (r Reason) literal() bool { return r == TooLong || r == Code || r == Personal }

// longest is how many bytes a text may have, at about four a token.
const longest = 512 * 4

// limited tells why a text is to be compared as a whole only, if it is.
func limited(text string, words []token) Reason {
	switch {
	case len(text) > longest:
		return TooLong
	case looksLikeCode(text):
		return Code
	case looksPersonal(text, words):
		return Personal
	}
	operators := 0
	for i := range words {
		switch {
		case words[i].traits&isInText != 0, pointsAway(words, i):
			return Deictic
		case words[i].traits&isPassing != 0:
			return Time
		case words[i].kind == symbol && isOperator(words[i].text), words[i].traits&isOperation != 0:
			operators++
		}
	}
	if operators > 0 && numbers(words) > 0 {
		return Calculation
	}
	return ""
}

// pointsAway tells of a word that means something which is not in the text: "this",
// or a "he" that nobody was named before.
func pointsAway(words []token, i int) bool {
	named := func() int { return saying(words[:i]) }
	before := kind(content)
	if i > 0 {
		before = words[i-1].kind
	}
	switch words[i].text {
	case "this", "these", "here":
		return true
	case "that", "those":
		return i == len(words)-1 || before == be || before == do || before == auxiliary || before == preposition || i == 0
	case "it":
		return named() < 2 && before != be && before != do || i == len(words)-1
	case "he", "she", "they", "him", "them":
		return named() < 2
	case "his", "her", "their", "its":
		return named() < 1
	default:
		return false
	}
}

func isOperator(w string) bool {
	return w == "+" || w == "=" || w == "*" || w == "^" || w == "<" || w == ">"
}

func numbers(words []token) (n int) {
	for i := range words {
		if words[i].kind == number {
			n++
		}
	}
	return n
}

// ofCode are the characters that texts seldom have and programs often.
var ofCode = func() (set [256]bool) {
	for _, c := range []byte("{};\n`[]\\_") {
		set[c] = true
	}
	return set
}()

// looksLikeCode tells of texts in which every character may matter.
func looksLikeCode(text string) bool {
	found := 0
	for i := range len(text) {
		if ofCode[text[i]] {
			if found++; found >= 2 {
				return true
			}
		}
	}
	return false
}

// longNumber is how many digits in one word make a number that belongs to
// somebody: a card's, an account's, a telephone's.
const longNumber = 6

func looksPersonal(text string, words []token) bool {
	for i := range words {
		if words[i].kind == number && digits(words[i].text) >= longNumber {
			return true
		}
	}
	if strings.IndexByte(text, '@') < 0 {
		return false
	}
	for i := 1; i+1 < len(text); i++ {
		if text[i] == '@' && isMailLetter(text[i-1]) && isMailLetter(text[i+1]) {
			return true
		}
	}
	return false
}

func digits(word string) (n int) {
	for i := range len(word) {
		if '0' <= word[i] && word[i] <= '9' {
			n++
		}
	}
	return n
}

func isMailLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c >= utf8.RuneSelf
}
