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

// maxMembers is how many members an object that is read may have. No object of
// the formats has 50; each is compared with those before it.
const maxMembers = 128

// reader reads one JSON text value by value, as its caller expects them: nothing
// is built that nobody asked for. It holds the text to the same rules as
// jsontext, which reads what the caller passes over, and explains what is wrong:
// see explain.go. Why it is not jsontext that reads all of it is in
// docs/decisions/json.md.
//
// Its errors are *syntaxError, *kindError, *countError, *depthError, and what a
// callback returned. One goroutine uses it.
type reader struct {
	text    []byte
	at      int // where reading goes on
	last    int // where the value begins that was read last
	depth   int
	lenient bool   // takes duplicate names, broken UTF-8, and any depth
	names   []span // of the members of the objects that are open, in quotes
	escapes bool   // some name has escapes
	scratch []byte // a string without its escapes
}

// span is a place in a text.
type span struct{ from, to int }

// syntaxError says that the text is no JSON, or breaks a rule of ours.
type syntaxError struct{ at int }

// Error implements error.
func (e *syntaxError) Error() string { return fmt.Sprintf("malformed JSON at byte %d", e.at) }

// kindError says that a value is of another kind than the format wants.
type kindError struct{ path, got, want string }

// Error implements error.
func (e *kindError) Error() string { return fmt.Sprintf("%s is %s, not %s", e.path, e.got, e.want) }

// countError names an element or a member that goes beyond a limit.
type countError struct {
	path  string
	limit int
}

// Error implements error.
func (e *countError) Error() string {
	return fmt.Sprintf("%s is one more than the %d that are allowed", e.path, e.limit)
}

// depthError says that a value is nested deeper than [maxDepth].
type depthError struct{ path string }

// Error implements error.
func (e *depthError) Error() string { return e.path + " is nested too deep" }

// end makes sure that nothing follows the value.
func (r *reader) end() error {
	r.peek()
	if r.at < len(r.text) {
		return r.malformed()
	}
	return nil
}

// object calls member for each member whose value is not null: null and absent
// are the same everywhere. member reads exactly one value; name is valid until
// it does.
func (r *reader) object(member func(name []byte) error) error {
	start, err := r.open('{', "an object")
	if err != nil {
		return err
	}
	outer := len(r.names)
	for n := 0; ; n++ {
		more, err := r.more('}', n == 0)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		name, err := r.name(outer)
		if err != nil {
			return err
		}
		if r.peek() == 'n' {
			err = r.skip()
		} else {
			err = member(name)
		}
		if err != nil {
			return err
		}
	}
	r.names = r.names[:outer]
	r.last = start
	r.depth--
	return nil
}

// array calls element for each of at most limit elements; it reads exactly one
// value.
func (r *reader) array(limit int, element func(i int) error) error {
	start, err := r.open('[', "an array")
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := r.more(']', i == 0)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if i == limit {
			r.peek()
			r.last = r.at
			return &countError{path: r.path(), limit: limit}
		}
		if err := element(i); err != nil {
			return err
		}
	}
	r.last = start
	r.depth--
	return nil
}

// open reads the beginning of an object or an array, and says where it is.
func (r *reader) open(bracket byte, want string) (start int, err error) {
	if r.peek() != bracket {
		return 0, r.mismatch(want)
	}
	start = r.at
	r.last = start
	r.at++
	r.depth++
	if r.depth > maxDepth {
		return 0, &depthError{path: r.path()}
	}
	return start, nil
}

// more reads what stands between members or elements, and tells whether another
// one comes.
func (r *reader) more(closing byte, first bool) (bool, error) {
	c := r.peek()
	switch {
	case c == closing:
		r.at++
		return false, nil
	case first:
		return true, nil
	case c != ',':
		return false, r.malformed()
	}
	r.at++
	if r.peek() == closing {
		return false, r.malformed()
	}
	return true, nil
}

// name reads a member's name and the colon behind it. It is valid until the next
// string is read. The object's names begin at place outer.
func (r *reader) name(outer int) ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.malformed()
	}
	start := r.at
	name, err := r.scanString()
	if err != nil {
		return nil, err
	}
	if !r.lenient {
		if err := r.addName(span{start, r.at}, name, outer); err != nil {
			return nil, err
		}
	}
	if r.peek() != ':' {
		return nil, r.malformed()
	}
	r.at++
	return name, nil
}

// addName makes sure that the object did not have the name before.
func (r *reader) addName(quoted span, name []byte, outer int) error {
	r.escapes = r.escapes || len(name) != quoted.to-quoted.from-len(`""`)
	for _, other := range r.names[outer:] {
		before := r.text[other.from+1 : other.to-1]
		if r.escapes {
			before = nameOf(r.text[other.from:other.to])
		}
		if bytes.Equal(before, name) {
			return &syntaxError{at: quoted.from}
		}
	}
	if len(r.names)-outer == maxMembers {
		r.last = quoted.from
		return &countError{path: r.path(), limit: maxMembers}
	}
	r.names = append(r.names, quoted)
	return nil
}

// isString tells whether the next value is a string.
func (r *reader) isString() bool { return r.peek() == '"' }

// isObject tells whether the next value is an object.
func (r *reader) isObject() bool { return r.peek() == '{' }

// isArray tells whether the next value is an array.
func (r *reader) isArray() bool { return r.peek() == '[' }

// isNumber tells whether the next value is a number.
func (r *reader) isNumber() bool {
	c := r.peek()
	return isDigit(c) || c == '-'
}

func (r *reader) string() (string, error) {
	if !r.isString() {
		return "", r.mismatch("a string")
	}
	r.last = r.at
	text, err := r.scanString()
	return string(text), err
}

// again reads a string that is nearly always the same as last time, and returns
// before where it is. Any value but a string is read over.
func (r *reader) again(before string) (string, error) {
	if !r.isString() {
		return "", r.skip()
	}
	r.last = r.at
	text, err := r.scanString()
	if err != nil || string(text) == before {
		return before, err
	}
	return string(text), nil
}

// word reads a string that nothing hangs on: any other value is read over.
func (r *reader) word() (string, error) { return r.again("") }

func (r *reader) bool() (bool, error) {
	switch r.peek() {
	case 't':
		return true, r.skip()
	case 'f':
		return false, r.skip()
	default:
		return false, r.mismatch(aBoolean)
	}
}

func (r *reader) number() (float64, error) {
	if !r.isNumber() {
		return 0, r.mismatch(aNumber)
	}
	text, err := r.view()
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
	const want = "an integer"
	if !r.isNumber() {
		return 0, r.mismatch(want)
	}
	text, err := r.view()
	if err != nil {
		return 0, err
	}
	if i, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return i, nil
	}
	const exact = 1 << 53 // every integer up to here is a float64
	number, err := strconv.ParseFloat(string(text), 64)
	if err != nil || number != math.Trunc(number) || math.Abs(number) > exact {
		return 0, &kindError{path: r.path(), got: "another number", want: want + " of 64 bits"}
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

// view returns a value as it was sent: a part of the text.
func (r *reader) view() ([]byte, error) {
	c := r.peek()
	r.last = r.at
	start := r.at
	var err error
	switch { // as kindOf has it, which has words for people
	case c == '"':
		_, err = r.scanString()
	case isDigit(c) || c == '-':
		err = r.scanNumber()
	case c == '{' || c == '[':
		err = r.scanNested()
	default:
		err = r.scanLiteral()
	}
	return r.text[start:r.at], err
}

// since returns a copy of the text from start to where the reader is.
func (r *reader) since(start int) []byte {
	return onOneLine(bytes.Clone(r.text[start:r.at]))
}

// onOneLine takes the space between tokens out of a value that has a line break.
// It changes value in place.
func onOneLine(value jsontext.Value) []byte {
	if bytes.IndexByte(value, '\n') >= 0 || bytes.IndexByte(value, '\r') >= 0 {
		_ = value.Compact() // it was read a moment ago, so that it cannot be broken
	}
	return value
}

// start is where the next value begins in the text.
func (r *reader) start() int {
	r.peek()
	return r.at
}

// place reads over a string and says where it stood; any other value has no
// place.
func (r *reader) place() (span, error) {
	from, is := r.start(), r.isString()
	if err := r.skip(); err != nil || !is {
		return span{}, err
	}
	return span{from, r.at}, nil
}

// mismatch reads over the next value and says that it is not what was wanted.
func (r *reader) mismatch(want string) error {
	got := kindOf(r.peek())
	if err := r.skip(); err != nil {
		return err
	}
	return &kindError{path: r.path(), got: got, want: want}
}

func (r *reader) malformed() error { return &syntaxError{at: r.at} }
