package openai

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// object writes the members of a JSON object behind dst. It knows whether a
// comma is due, and nothing else.
type object struct {
	dst   []byte
	begun bool
}

// begin opens an object behind dst.
func begin(dst []byte) object { return object{dst: append(dst, '{')} }

// end closes it and returns the bytes.
func (o *object) end() []byte { return append(o.dst, '}') }

// name writes a member's name, which needs no quoting of its own.
func (o *object) name(name string) {
	if o.begun {
		o.dst = append(o.dst, ',')
	}
	o.begun = true
	o.dst = append(o.dst, '"')
	o.dst = append(o.dst, name...)
	o.dst = append(o.dst, '"', ':')
}

func (o *object) string(name, value string) {
	o.name(name)
	o.dst = appendString(o.dst, value)
}

// text writes a string that was put together as bytes.
func (o *object) text(name string, value []byte) {
	o.name(name)
	o.dst = appendString(o.dst, value)
}

// stringOrNull writes null for an empty value.
func (o *object) stringOrNull(name, value string) {
	if value == "" {
		o.null(name)
		return
	}
	o.string(name, value)
}

func (o *object) null(name string) {
	o.name(name)
	o.dst = append(o.dst, "null"...)
}

func (o *object) int(name string, value int64) {
	o.name(name)
	o.dst = strconv.AppendInt(o.dst, value, 10)
}

func (o *object) number(name string, value float64) {
	o.name(name)
	o.dst = strconv.AppendFloat(o.dst, value, 'g', -1, 64)
}

func (o *object) bool(name string, value bool) {
	o.name(name)
	o.dst = strconv.AppendBool(o.dst, value)
}

// raw writes a value that is JSON already.
func (o *object) raw(name string, value []byte) {
	o.name(name)
	o.dst = append(o.dst, value...)
}

// members writes `"name":value` pairs that are joined by commas already.
func (o *object) members(pairs []byte) {
	if len(pairs) == 0 {
		return
	}
	if o.begun {
		o.dst = append(o.dst, ',')
	}
	o.begun = true
	o.dst = append(o.dst, pairs...)
}

// array writes an array whose elements write themselves.
func (o *object) array(name string, n int, element func(dst []byte, i int) []byte) {
	o.name(name)
	o.dst = appendArray(o.dst, n, element)
}

func appendArray(dst []byte, n int, element func(dst []byte, i int) []byte) []byte {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(dst, i)
	}
	return append(dst, ']')
}

// appendString quotes s. Bytes that are not UTF-8 become U+FFFD: everything that
// was decoded is UTF-8, and what a program made must not break a whole reply.
func appendString[Text string | []byte](dst []byte, s Text) []byte {
	start := len(dst)
	dst = append(append(dst, '"'), s...)
	if plainLength(dst[start+1:]) == len(s) { // as most texts, and four times as fast
		return append(dst, '"')
	}
	dst, _ = jsontext.AppendQuote(dst[:start], s)
	return dst
}
