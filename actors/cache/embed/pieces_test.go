package embed

import (
	"bufio"
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestPiecesAreTheLongestThatTheVocabularyHas cuts the project's own questions, and
// what people mistype, by hand: a list of all pieces, and the longest that fits.
func TestPiecesAreTheLongestThatTheVocabularyHas(t *testing.T) {
	t.Parallel()
	s, err := OpenStatic()
	if err != nil {
		t.Fatal(err)
	}
	heads, tails := make(map[string]uint32), make(map[string]uint32)
	vocabulary := s.words.heads.vocabulary
	row := uint32(0)
	for line := range strings.Lines(string(vocabulary)) {
		piece := strings.TrimSuffix(line, "\n")
		if tail, isTail := strings.CutPrefix(piece, "##"); isTail && tail != "" {
			tails[tail] = row
		} else {
			heads[piece] = row
		}
		row++
	}
	for _, word := range shippedWords(t) {
		var want []uint32
		for known, rest := heads, word; rest != ""; known = tails {
			size := len(rest)
			for size > 0 {
				if row, found := known[rest[:size]]; found {
					want = append(want, row)
					break
				}
				size--
			}
			if size == 0 {
				want = nil
				break
			}
			rest = rest[size:]
		}
		p := pieces{from: &s.words}
		if got, rest := p.read(word); !slices.Equal(got, want) || rest != "" {
			t.Errorf("%q has the rows %v, and %q was left: want %v", word, got, rest, want)
		}
	}
}

// shippedWords are of the letters a to z, and some without their first letter, or
// with two letters in the place of one.
func shippedWords(t *testing.T) (words []string) {
	t.Helper()
	text, err := os.ReadFile("../../../bench/cache/questions.tsv")
	if err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(bytes.NewReader(bytes.ToLower(text)))
	scanner.Split(bufio.ScanWords)
	for scanner.Scan() {
		word := strings.Map(func(r rune) rune {
			if r < 'a' || r > 'z' {
				return -1
			}
			return r
		}, scanner.Text())
		if word != "" {
			words = append(words, word, word[1:]+"q", word+word, "zq"+word)
		}
	}
	return append(words, strings.Repeat("x", longestWord), strings.Repeat("qz", longestWord/2))
}

// TestLongTextsAreReadPieceByPiece: more than fit at once are read in turns, and none
// is lost between them.
func TestLongTextsAreReadPieceByPiece(t *testing.T) {
	t.Parallel()
	s, err := OpenStatic()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{strings.Repeat("owls hoot, ", 500), strings.Repeat("!", 1000), strings.Repeat(strings.Repeat("xq", 45)+" ", 20)} {
		p, turns, got := pieces{from: &s.words}, 0, []uint32(nil)
		for rest := text; rest != ""; turns++ {
			var rows []uint32
			rows, rest = p.read(rest)
			got = append(got, rows...)
		}
		var want []uint32
		for word := range strings.FieldsSeq(strings.NewReplacer(",", " , ", "!", " ! ").Replace(text)) {
			one := pieces{from: &s.words}
			rows, _ := one.read(word)
			want = append(want, rows...)
		}
		if !slices.Equal(got, want) || turns < 2 {
			t.Errorf("%.20q: %d pieces in %d turns, want %d", text, len(got), turns, len(want))
		}
	}
}
