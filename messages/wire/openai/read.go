package openai

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep objects and arrays may be nested. Requests and tools'
// schemas stay below 20; what is deeper is meant to exhaust somebody's stack.
const maxDepth = 64

// reader reads one JSON text member by member. Its errors are those of jsontext
// for what is no JSON, *kindError, *depthError, and what a callback returned. It
// is used by one goroutine, for one text after the other.
type reader struct {
	decoder jsontext.Decoder
	source  bytes.Buffer
	text    []byte
	scratch []byte // a member's name, or a string without its escapes
}

// kindError says that a value is of another kind than the format wants.
type kindError struct{ path, got, want string }

func (e *kindError) Error() string { return fmt.Sprintf("%s is %s, not %s", e.path, e.got, e.want) }

// countError names an element that goes beyond a limit.
type countError struct {
	path  string
	limit int
}

func (e *countError) Error() string {
	return fmt.Sprintf("%s is one more than the %d elements that are allowed", e.path, e.limit)
}

// depthError says that a value is nested deeper than [maxDepth].
type depthError struct{ path string }

func (e *depthError) Error() string { return e.path + " is nested too deep" }

func (r *reader) reset(text []byte, options ...jsontext.Options) {
	r.text = text
	r.source = *bytes.NewBuffer(text)
	r.decoder.Reset(&r.source, options...)
}

// forget lets go of the text.
func (r *reader) forget() { r.reset(nil) }

// end makes sure that nothing follows the value.
func (r *reader) end() error {
	for _, c := range r.text[r.decoder.InputOffset():] {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return errTrailing
		}
	}
	return nil
}

// object calls member for each member whose value is not null: null and absent
// are the same everywhere. member reads exactly one value; name is valid until
// it does.
func (r *reader) object(member func(name []byte) error) error {
	if err := r.open('{', "an object"); err != nil {
		return err
	}
	for r.decoder.PeekKind() != '}' {
		name, err := r.name()
		if err != nil {
			return err
		}
		if r.decoder.PeekKind() == 'n' {
			if err := r.decoder.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if err := member(name); err != nil {
			return err
		}
	}
	_, err := r.decoder.ReadToken()
	return err
}

// array calls element for each of at most limit elements; it reads exactly one
// value.
func (r *reader) array(limit int, element func(i int) error) error {
	if err := r.open('[', "an array"); err != nil {
		return err
	}
	for i := 0; r.decoder.PeekKind() != ']'; i++ {
		if i == limit {
			return r.oneTooMany(limit)
		}
		if err := element(i); err != nil {
			return err
		}
	}
	_, err := r.decoder.ReadToken()
	return err
}

// oneTooMany reads over the element that goes beyond the limit, and names it.
func (r *reader) oneTooMany(limit int) error {
	if err := r.decoder.SkipValue(); err != nil {
		return err
	}
	return &countError{path: r.path(), limit: limit}
}

func (r *reader) open(kind jsontext.Kind, want string) error {
	if r.decoder.PeekKind() != kind {
		return r.mismatch(want)
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return err
	}
	if r.decoder.StackDepth() > maxDepth {
		return &depthError{path: r.path()}
	}
	return nil
}

// name reads a member's name into the scratch space.
func (r *reader) name() ([]byte, error) {
	quoted, err := r.decoder.ReadValue()
	if err != nil {
		return nil, err
	}
	r.unquote(quoted)
	return r.scratch, nil
}

// unquote leaves the string in the scratch space.
func (r *reader) unquote(quoted []byte) {
	if len(quoted) >= 2 && bytes.IndexByte(quoted, '\\') < 0 {
		r.scratch = append(r.scratch[:0], quoted[1:len(quoted)-1]...)
		return
	}
	r.scratch, _ = jsontext.AppendUnquote(r.scratch[:0], quoted)
}

// isString tells whether the next value is a string.
func (r *reader) isString() bool { return r.decoder.PeekKind() == '"' }

func (r *reader) string() (string, error) {
	if !r.isString() {
		return "", r.mismatch("a string")
	}
	quoted, err := r.decoder.ReadValue()
	if err != nil {
		return "", err
	}
	r.unquote(quoted)
	return string(r.scratch), nil
}

func (r *reader) bool() (bool, error) {
	switch r.decoder.PeekKind() {
	case 't', 'f':
		token, err := r.decoder.ReadToken()
		return err == nil && token.Bool(), err
	default:
		return false, r.mismatch("a boolean")
	}
}

func (r *reader) number() (float64, error) {
	if r.decoder.PeekKind() != '0' {
		return 0, r.mismatch("a number")
	}
	text, err := r.decoder.ReadValue()
	if err != nil {
		return 0, err
	}
	number, err := strconv.ParseFloat(string(text), 64)
	if err != nil { // beyond what 64 bits hold: JSON's numbers have no other fault
		return 0, &kindError{path: r.path(), got: "a number out of range", want: "one that 64 bits hold"}
	}
	return number, nil
}

// integer takes 3, and 3.0 and 3e0 as some languages write it.
func (r *reader) integer() (int64, error) {
	if r.decoder.PeekKind() != '0' {
		return 0, r.mismatch("an integer")
	}
	text, err := r.decoder.ReadValue()
	if err != nil {
		return 0, err
	}
	if i, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return i, nil
	}
	const exact = 1 << 53 // every integer up to here is a float64
	number, err := strconv.ParseFloat(string(text), 64)
	if err != nil || number != math.Trunc(number) || math.Abs(number) > exact {
		return 0, &kindError{path: r.path(), got: "another number", want: "an integer of 64 bits"}
	}
	return int64(number), nil
}

// skip reads over a value.
func (r *reader) skip() error {
	_, err := r.view()
	return err
}

// raw returns a copy of a value as it was sent, but without line breaks between
// its tokens, so that it can stand in an event stream.
func (r *reader) raw() ([]byte, error) {
	value, err := r.view()
	if err != nil {
		return nil, err
	}
	return onOneLine(bytes.Clone(value)), nil
}

// view returns a value as it was sent, valid until the next is read.
func (r *reader) view() (jsontext.Value, error) {
	value, err := r.decoder.ReadValue()
	if err != nil {
		return nil, err
	}
	if r.decoder.StackDepth()+depth(value) > maxDepth {
		return nil, &depthError{path: r.path()}
	}
	return value, nil
}

// onOneLine takes the space between tokens out of a value that has a line break.
// It changes value in place.
func onOneLine(value jsontext.Value) []byte {
	if bytes.IndexByte(value, '\n') >= 0 || bytes.IndexByte(value, '\r') >= 0 {
		_ = value.Compact() // it was read a moment ago, so that it cannot be broken
	}
	return value
}

// depth is how deep objects and arrays are nested in a value that is JSON.
func depth(value []byte) (deepest int) {
	level, quoted := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// mismatch reads over the next value and says that it is not what was wanted.
func (r *reader) mismatch(want string) error {
	got := "null"
	switch r.decoder.PeekKind() {
	case '"':
		got = "a string"
	case '0':
		got = "a number"
	case 't', 'f':
		got = "a boolean"
	case '{':
		got = "an object"
	case '[':
		got = "an array"
	}
	if err := r.decoder.SkipValue(); err != nil {
		return err
	}
	return &kindError{path: r.path(), got: got, want: want}
}

// path names the value that was read last, as messages[2].content.
func (r *reader) path() string { return pathOf(r.decoder.StackPointer()) }

// start is where the next value begins in the text.
func (r *reader) start() int {
	at := int(r.decoder.InputOffset())
	for at < len(r.text) {
		switch r.text[at] {
		case ' ', '\t', '\r', '\n', ',', ':':
			at++
		default:
			return at
		}
	}
	return at
}
