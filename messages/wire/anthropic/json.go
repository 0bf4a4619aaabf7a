package anthropic

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

func (o *object) int(name string, value int) {
	o.name(name)
	o.dst = strconv.AppendInt(o.dst, int64(value), 10)
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

// literal is raw for a value that is written in this package.
func (o *object) literal(name, value string) {
	o.name(name)
	o.dst = append(o.dst, value...)
}

// appendString quotes s. Bytes that are not UTF-8 become U+FFFD: everything that
// was decoded is UTF-8, and what a program made must not break a whole request.
func appendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}
