package embed

import (
	"context"
	"math"
	"unicode"
	"unicode/utf8"
)

// Hashed embeds a text by the n-grams of its words' letters, each counted in the
// dimension that its hash says. It has no weights and knows no meaning, but it
// sees through endings and slips of the pen. It is what remains where no table or
// server is wanted.
type Hashed struct{}

const (
	hashedDimensions = 256
	shortestGram     = 3
	longestGram      = 5
)

// ID implements [Embedder].
func (Hashed) ID() string { return "hashed-256-1" }

// Embed implements [Embedder].
func (Hashed) Embed(_ context.Context, dst []float32, text string) ([]float32, error) {
	start := len(dst)
	for range hashedDimensions {
		dst = append(dst, 0)
	}
	h := hasher{sum: dst[start:]}
	for _, r := range text {
		h.add(r)
	}
	h.endWord()
	if !normalize(h.sum) {
		return dst[:start], nil
	}
	return dst, nil
}

// hasher counts the n-grams of one text.
type hasher struct {
	sum  []float32
	word [64]rune // between ‹ and ›, so that beginnings and ends differ from middles
	size int
}

func (h *hasher) add(r rune) {
	switch {
	case !unicode.IsLetter(r) && !unicode.IsDigit(r):
		h.endWord()
		return
	case h.size == 0:
		h.word[0], h.size = '‹', 1
	case h.size == len(h.word)-1: // the rest of a word that is none goes the same way
		h.endWord()
		h.word[0], h.size = '‹', 1
	}
	h.word[h.size] = unicode.ToLower(r)
	h.size++
}

// endWord counts the word's n-grams. Their vector is as long as the
// word weighs: long words are not worth more than their weight says.
func (h *hasher) endWord() {
	if h.size == 0 {
		return
	}
	h.word[h.size] = '›'
	word := h.word[:h.size+1]
	h.size = 0
	weight := weightOf(word[1 : len(word)-1])
	grams := 0
	for n := shortestGram; n <= longestGram; n++ {
		grams += max(len(word)-n+1, 0)
	}
	weight /= float32(math.Sqrt(float64(grams)))
	for n := shortestGram; n <= longestGram; n++ {
		for i := 0; i+n <= len(word); i++ {
			h.count(word[i:i+n], weight)
		}
	}
}

// count adds an n-gram, for or against: the errors of n-grams that share a
// dimension cancel out (feature hashing, Weinberger et al. 2009).
func (h *hasher) count(gram []rune, weight float32) {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := uint64(offset)
	for _, r := range gram {
		sum = (sum ^ uint64(r)) * prime // #nosec G115 -- runes are not negative
	}
	sum ^= sum >> 29
	sum *= 0xbf58476d1ce4e5b9
	sum ^= sum >> 32
	if sum&(1<<63) != 0 {
		weight = -weight
	}
	h.sum[sum%hashedDimensions] += weight
}

// weightOf is how much a word says: little where every text has it, and more for
// longer words, which are rarer.
func weightOf(word []rune) float32 {
	var room [32]byte
	text := room[:0]
	for _, r := range word {
		if text = utf8.AppendRune(text, r); len(text) > len(room)-utf8.UTFMax {
			break
		}
	}
	if everywhere[string(text)] {
		return 0.25
	}
	return 1 + 0.2*float32(min(len(word), 10))
}

// everywhere are words that nearly every English question has some of.
var everywhere = func() map[string]bool {
	words := []string{
		"a", "an", "the", "is", "are", "was", "were", "be", "been", "am", "do", "does", "did", "have", "has", "had",
		"will", "would", "can", "could", "should", "shall", "may", "might", "must", "i", "you", "he", "she", "it", "we",
		"they", "me", "my", "your", "his", "her", "its", "our", "their", "this", "that", "these", "those", "of", "in",
		"on", "at", "to", "for", "from", "by", "with", "about", "as", "into", "and", "or", "but", "if", "so", "than",
		"what", "which", "who", "how", "when", "where", "why", "there", "some", "any", "please", "get", "s", "t", "m", "re",
	}
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}()

// hashedCalibration is from the development pairs: see docs/decisions/semantic-cache.md.
var hashedCalibration = calibration{{0, 0}, {0.5, 0.3}, {0.85, 0.55}, {0.95, 0.8}, {1, 1}}

// Calibrate implements [Embedder].
func (Hashed) Calibrate(threshold float64) float32 { return hashedCalibration.at(threshold) }
