package openai

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Kinds of values, in the words of our errors.
const (
	aString  = "a string"
	aNumber  = "a number"
	aBoolean = "a boolean"
	anObject = "an object"
	anArray  = "an array"
	aNull    = "null"
)

// kindOf tells a value's kind by its first character, for an error. What begins
// no value is taken for null, and found out when it is read.
func kindOf(c byte) string {
	switch {
	case c == '"':
		return aString
	case c == 't' || c == 'f':
		return aBoolean
	case c == '{':
		return anObject
	case c == '[':
		return anArray
	case isDigit(c) || c == '-':
		return aNumber
	default:
		return aNull
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// peek returns the next character that is no white space, and 0 at the end.
func (r *reader) peek() byte {
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// scanString reads a string, whose first quote is next, and returns it without
// quotes and escapes: a part of the text, or the scratch space.
func (r *reader) scanString() ([]byte, error) {
	start := r.at
	escaped, wide := false, false
	for at := start + 1; ; {
		at += plainLength(r.text[at:])
		if at >= len(r.text) {
			return nil, &syntaxError{at: len(r.text)}
		}
		switch c := r.text[at]; {
		case c == '"':
			r.at = at + 1
			if escaped || wide && !utf8.Valid(r.text[start+1:at]) {
				return r.unquote(r.text[start:r.at])
			}
			return r.text[start+1 : at], nil
		case c == '\\' && at+1 < len(r.text):
			escaped = true
			at += 2
		case c < ' ' || c == '\\':
			return nil, &syntaxError{at: at}
		default:
			wide = true
			at++
		}
	}
}

// unquote leaves a string without its escapes in the scratch space. A provider's
// broken UTF-8 becomes U+FFFD; a stranger's is refused.
func (r *reader) unquote(quoted []byte) ([]byte, error) {
	var err error
	r.scratch, err = jsontext.AppendUnquote(r.scratch[:0], quoted)
	if err == nil || r.lenient && jsontext.Value(quoted).IsValid(jsontext.AllowInvalidUTF8(true)) {
		return r.scratch, nil
	}
	return nil, &syntaxError{at: r.at}
}

// plainLength is how many bytes b begins with that stand for themselves in a
// string: no quote, no backslash, no control character, ASCII. It looks at eight
// at a time, which is four times as fast: texts are most of what is read.
func plainLength(b []byte) (n int) {
	const (
		each  = 0x0101010101010101
		high  = each * 0x80
		quote = each * '"'
		slash = each * '\\'
		space = each * ' '
	)
	for ; len(b)-n >= 8; n += 8 {
		word := binary.LittleEndian.Uint64(b[n:])
		// A byte minus another borrows its high bit where it is smaller; a byte
		// that is equal to another is 0 after the exclusive or, and smaller than 1.
		// Borrows can run into the next byte: the loop below decides.
		if (word|(word-space)|((word^quote)-each)|((word^slash)-each))&high != 0 {
			break
		}
	}
	for n < len(b) && b[n] >= ' ' && b[n] < utf8.RuneSelf && b[n] != '"' && b[n] != '\\' {
		n++
	}
	return n
}

// scanNumber reads a number, whose first character is next.
func (r *reader) scanNumber() error {
	if r.text[r.at] == '-' {
		r.at++
	}
	if r.at < len(r.text) && r.text[r.at] == '0' {
		r.at++ // nothing but a fraction or an exponent may follow
	} else if !r.scanDigits() {
		return r.malformed()
	}
	if r.at < len(r.text) && r.text[r.at] == '.' {
		r.at++
		if !r.scanDigits() {
			return r.malformed()
		}
	}
	if r.at < len(r.text) && (r.text[r.at] == 'e' || r.text[r.at] == 'E') {
		r.at++
		if r.at < len(r.text) && (r.text[r.at] == '+' || r.text[r.at] == '-') {
			r.at++
		}
		if !r.scanDigits() {
			return r.malformed()
		}
	}
	return nil
}

// scanDigits reads digits, and tells whether there were any.
func (r *reader) scanDigits() bool {
	start := r.at
	for r.at < len(r.text) && isDigit(r.text[r.at]) {
		r.at++
	}
	return r.at > start
}

// scanLiteral reads true, false or null.
func (r *reader) scanLiteral() error {
	for _, literal := range [...]string{"true", "false", "null"} {
		if bytes.HasPrefix(r.text[r.at:], []byte(literal)) {
			r.at += len(literal)
			return nil
		}
	}
	return r.malformed()
}

// scanNested reads over an object or an array. jsontext checks what is in it.
func (r *reader) scanNested() error {
	value := r.text[r.at : r.at+valueEnd(r.text[r.at:])]
	valid := false
	if r.lenient {
		valid = jsontext.Value(value).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	} else {
		if r.depth+nesting(value) > maxDepth {
			return &depthError{path: r.path()}
		}
		valid = jsontext.Value(value).IsValid()
	}
	if !valid {
		return r.malformed()
	}
	r.at += len(value)
	return nil
}

// nesting is how deep objects and arrays are nested in a value.
func nesting(value []byte) (deepest int) {
	level := 0
	for at := 0; at < len(value); at++ {
		switch value[at] {
		case '"':
			at += stringEnd(value[at:]) - 1
		case '{', '[':
			level++
			deepest = max(deepest, level)
		case '}', ']':
			level--
		}
	}
	return deepest
}
