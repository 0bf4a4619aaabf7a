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
	heads pieceTable // pieces that begin a word
	tails pieceTable // pieces that go on with one, without their "##"
}

// longestWord is as many bytes as a word may have. A longer one is no word.
const longestWord = 100

// pieces is one text on its way through the tokenizer. It is a value of fixed size,
// so that it needs no memory but the stack's.
type pieces struct {
	from  *wordPieces
	word  [longestWord + utf8.UTFMax]byte
	size  int // of the word
	rows  [mostPieces]uint32
	count int // of rows
}

// mostPieces are read at once: those of a question, of a word more, and of what ends
// it.
const mostPieces = 64 + longestWord + 1

// read reads a text, up to where its pieces are so many that they are to be made use
// of, and returns their rows, which are good until it reads the rest. A word that
// cannot be put together from pieces has none.
func (p *pieces) read(text string) (rows []uint32, rest string) {
	p.count = 0
	i := 0
	for i < len(text) && p.count < mostPieces-longestWord {
		if c := text[i]; c < utf8.RuneSelf {
			p.ascii(c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		p.other(r, text[i:i+size])
		i += size
	}
	if i == len(text) {
		p.endWord()
	}
	return p.rows[:p.count], text[i:]
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
	if p.size = 0; len(word) == 0 || len(word) > longestWord {
		return
	}
	before := p.count
	for known := &p.from.heads; len(word) > 0; known = &p.from.tails {
		row, size := known.longest(word)
		if size == 0 {
			p.count = before
			return
		}
		p.rows[p.count] = row
		p.count++
		word = word[size:]
	}
}

// longest finds the longest piece that a word begins with, and its size; 0 for none.
// Most words are one.
func (t *pieceTable) longest(word []byte) (row uint32, size int) {
	hash := uint32(pieceHash)
	for _, c := range word {
		hash = pieceHashNext(hash, c)
	}
	if row, found := t.find(word, hash); found {
		return row, len(word)
	}
	return t.beginning(word)
}

// beginning finds the longest piece that a word begins with, and is longer than.
func (t *pieceTable) beginning(word []byte) (row uint32, size int) {
	var hashes [longestWord]uint32 // of the beginnings, by their size
	hash := uint32(pieceHash)
	for i, c := range word {
		hashes[i] = hash
		hash = pieceHashNext(hash, c)
	}
	for size = len(word) - 1; size > 0; size-- {
		if row, found := t.find(word[:size], hashes[size]); found {
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
