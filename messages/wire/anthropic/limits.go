package anthropic

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// What a request may hold. The size of its body is bounded before it gets here;
// these bound what a small body can make of itself: a block costs some 300 bytes
// of memory where "{}" costs two on the wire.
const (
	maxDepth    = 64   // of arrays and objects: blocks are read level by level
	maxMessages = 4096 // agents' histories are the longest there are
	maxBlocks   = 1024 // of one message
	maxTools    = 1024
)

// listError says that a list is too long.
type listError struct{ limit int }

func (e *listError) Error() string { return fmt.Sprintf("more than %d elements", e.limit) }

// readList reads an array of at most limit elements. It takes null for an empty
// one.
func readList[T any](d *jsontext.Decoder, limit int) ([]T, error) {
	if d.PeekKind() != '[' {
		var none []T
		return nil, json.UnmarshalDecode(d, &none)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	var list []T
	for d.PeekKind() != ']' {
		if len(list) == limit {
			return nil, &listError{limit}
		}
		var element T
		if err := json.UnmarshalDecode(d, &element); err != nil {
			return nil, err
		}
		list = append(list, element)
	}
	_, err := d.ReadToken()
	return list, err
}

// tooDeep tells whether arrays and objects nest deeper than maxDepth. It does
// not mind whether body is JSON otherwise.
func tooDeep(body []byte) bool {
	depth := 0
	inString := false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
