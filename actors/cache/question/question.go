// Package question reads, as far as words show it, what a short text asks: which
// of its words say something, and in what order. Two texts that ask the same in
// other words may share an answer, and none that differ in a number, a name, a
// negation, a direction or whom they speak of.
//
//	question.go  what is read of a text     words.go     text to words, contractions
//	frame.go     how it asks                lists.go     the words that are treated alike
//	ways.go      what one wants to do       groups.go    groups of words likewise
//	shape.go     order made one             rewrite.go   replaces them
//	name.go      whose a thing is           sides.go     two things that are compared
//	spelling.go  plurals, British English   limits.go    which texts are not compared at all
package question

import (
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"

	"example.com/parley/messages"
)

// Question is what was read of a text. It is immutable and holds nothing of the
// text but hashes.
type Question struct {
	// Same stands for all words in order, whatever their case and the punctuation
	// between them, without courtesies. Texts with the same one are the same text,
	// also where Only is set. It is 0 where every character may matter.
	Same uint64
	// Strict stands for the words that say something, in order, beside the words
	// that steer them: question word, auxiliary, person, preposition. Texts with the
	// same one ask the same. It is 0 where too few words say something.
	Strict uint64
	// Loose are the same words with what is asked alike made alike: ways of asking,
	// synonyms, number of be and do. A cosine has to speak for a match as well.
	Loose []Word
	// Only says why the text is compared as a whole only; empty where it is not.
	// Where it is set there is neither Strict nor Loose.
	Only Reason
}

// Word stands for a word, or for one of several that mean the same.
type Word struct {
	Form    uint32 // hash of the word in its basic form
	Letters uint16 // hash of its letters in any order; 0 of a word that is never mistyped
	Root    uint16 // hash of what its endings leave; 0 of a word that has none
}

// Rules is the version of the rules and lists by which texts are read. What was read
// by others is not compared: nodes of two versions share nothing but whole requests.
// It goes up with every change of what Read returns (TestRulesAreThoseOfTheirVersion).
const Rules = 8

// fewestWords that say something make a text comparable: of "what is it?" none does.
const fewestWords = 1

// Read reads a text. It takes some 2 us for a short question (BenchmarkRead).
func Read(text string) Question {
	room := readings.Get().(*reading) //nolint:forcetypeassert // nothing else is in the pool
	defer readings.Put(room)
	words := split(room.words[:0], room.lower(text))
	if cap(words) <= mostPooled {
		room.words = words
	}
	words = withoutCourtesy(words)
	q := Question{Only: limited(text, words)}
	if !q.Only.literal() && len(words) > 0 {
		q.Same = same(words)
	}
	if q.Only == "" && saying(words) < fewestWords {
		q.Only = TooShort
	}
	if q.Only != "" {
		return q
	}
	q.Strict = strict(words)
	q.Loose = loose(words)
	return q
}

// reading is the room that one text at a time takes. Nothing of it outlives Read.
type reading struct {
	words   []token
	letters []byte
}

var readings = sync.Pool{New: func() any { return new(reading) }}

// mostPooled is how many words of room, or letters, are kept for the next text.
const mostPooled = 1024

// lower returns a text in lower case, which is good until the next one.
func (r *reading) lower(text string) string {
	if len(text) > mostPooled {
		return strings.ToLower(text)
	}
	r.letters = append(r.letters[:0], text...)
	for i, c := range r.letters {
		if c >= utf8.RuneSelf {
			return strings.ToLower(text)
		}
		if 'A' <= c && c <= 'Z' {
			r.letters[i] = c + 'a' - 'A'
		}
	}
	return unsafe.String(unsafe.SliceData(r.letters), len(r.letters)) // #nosec G103 -- nobody else has them, and they change with the next text
}

// fewestForSlip is how many words a text needs in which one may be a slip of the
// pen, or have another ending: in a shorter one it may be all that is asked.
const fewestForSlip = 5

// SameLoosely tells whether two texts have the same words in the same order, but
// for one that is mistyped or has another ending.
func SameLoosely(a, b []Word) bool {
	if len(a) != len(b) || len(a) == 0 {
		return false
	}
	slips := 0
	for i := range a {
		switch {
		case a[i].Form == b[i].Form:
		case a[i].Letters != 0 && a[i].Letters == b[i].Letters, a[i].Root != 0 && a[i].Root == b[i].Root:
			slips++
		default:
			return false
		}
	}
	return slips == 0 || slips == 1 && len(a) >= fewestForSlip
}

// Forms is the same of questions that have the same words in the same order. It is
// never 0.
func Forms(words []Word) uint64 {
	sum := uint64(len(words))
	for i := range words {
		sum = hashNext(sum, uint64(words[i].Form))
	}
	return max(sum, 1)
}

// Letters is the same of questions that are loosely the same for a word that is
// mistyped. It is 0 of those in which none may be.
func Letters(words []Word) uint64 {
	return slipping(words, func(w *Word) uint16 { return w.Letters })
}

// Roots is the same of questions that are loosely the same for a word that has
// another ending. It is 0 of those in which none may have one.
func Roots(words []Word) uint64 {
	return slipping(words, func(w *Word) uint16 { return w.Root })
}

// slipping hashes what a slip leaves of each word, and the form of those of which it
// leaves nothing.
func slipping(words []Word, leaves func(*Word) uint16) uint64 {
	if len(words) < fewestForSlip {
		return 0
	}
	sum := uint64(len(words))
	for i := range words {
		left := uint64(leaves(&words[i])) << 32
		if left == 0 {
			left = uint64(words[i].Form)
		}
		sum = hashNext(sum, left)
	}
	return max(sum, 1)
}

// hashNext takes a number into the hash of those before it.
func hashNext(sum, next uint64) uint64 {
	x := (sum<<5 | sum>>59) ^ next
	x *= 0x9e3779b97f4a7c15
	return x ^ x>>32
}

// saying counts the words that say something by themselves.
func saying(words []token) (n int) {
	for i := range words {
		if !words[i].steers() {
			n++
		}
	}
	return n
}

// same hashes all words in order.
func same(words []token) uint64 {
	sum := uint64(0)
	for i := range words {
		sum = hashMore(sum, words[i].text)
	}
	return max(sum, 1)
}

// strict hashes the words in order.
func strict(words []token) uint64 {
	sum := uint64(0)
	for i := range words {
		if words[i].kind == article || saysNothing(words, i, isPlace) {
			continue
		}
		sum = hashMore(sum, words[i].basic())
	}
	return max(sum, 1)
}

// saysNothing tells of a preposition that says no more than the words around it do.
// Behind a form of "be" it does: what is in a thing is not what it is.
func saysNothing(words []token, i int, place trait) bool {
	if words[i].traits&place == 0 || i == 0 || i == len(words)-1 {
		return false
	}
	return words[i-1].kind != be
}

// hashMore takes a word into the hash of those before it.
func hashMore(sum uint64, word string) uint64 {
	const prime = 1099511628211
	return (sum ^ messages.Hash(word)) * prime
}

func hashOf(text string) uint32 {
	sum := messages.Hash(text)
	return uint32(sum>>32) ^ uint32(sum) // #nosec G115 -- both halves are wanted
}
