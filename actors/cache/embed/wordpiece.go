package embed

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// wordPieces is BERT's uncased tokenizer (google-research/bert, tokenization.py):
// words are lower-cased, lose their accents, are parted at punctuation, and are
// then cut into the longest pieces that the vocabulary has. It is immutable.
type wordPieces struct {
	heads map[string]int32 // pieces that begin a word
	tails map[string]int32 // pieces that go on with one, without their "##"
}

// longestWord is as many bytes as a word may have. A longer one is no word.
const longestWord = 100

// pieces is one text on its way through the tokenizer. It is a value of fixed size,
// so that it needs no memory but the stack's.
type pieces struct {
	from *wordPieces
	each func(row int32) // is called for each piece, in order
	word [longestWord + utf8.UTFMax]byte
	size int // of the word
}

// forEach calls each with the row of each of a text's pieces. A word that cannot be
// put together from pieces has none.
func (w *wordPieces) forEach(text string, each func(row int32)) {
	p := pieces{from: w, each: each}
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			p.ascii(c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		p.other(r, text[i:i+size])
		i += size
	}
	p.endWord()
}

func (p *pieces) ascii(c byte) {
	switch {
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		p.extend(c)
	case 'A' <= c && c <= 'Z':
		p.extend(c + 'a' - 'A')
	case c == ' ', c == '\t', c == '\n', c == '\r':
		p.endWord()
	case c > ' ' && c < 0x7f:
		p.endWord()
		p.extend(c)
		p.endWord()
	}
}

func (p *pieces) extend(c byte) {
	if p.size <= longestWord {
		p.word[p.size] = c
		p.size++
	}
}

func (p *pieces) other(r rune, text string) {
	switch {
	case r == utf8.RuneError, unicode.Is(unicode.C, r):
	case unicode.IsSpace(r), unicode.Is(unicode.Zs, r):
		p.endWord()
	case unicode.IsPunct(r), isIdeograph(r):
		p.endWord()
		p.extendRune(r)
		p.endWord()
	default:
		p.withoutAccents(text)
	}
}

// withoutAccents extends the word by what a letter's canonical decomposition has
// beside its marks.
func (p *pieces) withoutAccents(letter string) {
	var room [16]byte
	for _, r := range string(norm.NFD.AppendString(room[:0], letter)) {
		if !unicode.Is(unicode.Mn, r) {
			p.extendRune(unicode.ToLower(r))
		}
	}
}

func (p *pieces) extendRune(r rune) {
	if p.size <= longestWord {
		p.size += utf8.EncodeRune(p.word[p.size:], r)
	}
}

// endWord cuts the word into pieces, the longest first.
func (p *pieces) endWord() {
	word := p.word[:p.size]
	if p.size = 0; len(word) > longestWord {
		return
	}
	var rows [longestWord]int32
	count := 0
	for known := p.from.heads; len(word) > 0; known = p.from.tails {
		row, size := longest(known, word)
		if size == 0 {
			return
		}
		rows[count] = row
		count++
		word = word[size:]
	}
	for _, row := range rows[:count] {
		p.each(row)
	}
}

// longest finds the longest piece that a word begins with, and its size; 0 for none.
func longest(known map[string]int32, word []byte) (row int32, size int) {
	for size = len(word); size > 0; size-- {
		if row, found := known[string(word[:size])]; found {
			return row, size
		}
	}
	return 0, 0
}

// isIdeograph tells of the characters that BERT takes for words of their own.
func isIdeograph(r rune) bool {
	return 0x4E00 <= r && r <= 0x9FFF || 0x3400 <= r && r <= 0x4DBF || 0x20000 <= r && r <= 0x2A6DF ||
		0x2A700 <= r && r <= 0x2B73F || 0x2B740 <= r && r <= 0x2B81F || 0x2B820 <= r && r <= 0x2CEAF ||
		0xF900 <= r && r <= 0xFAFF || 0x2F800 <= r && r <= 0x2FA1F
}
