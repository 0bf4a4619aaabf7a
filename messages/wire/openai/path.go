package openai

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// pathOf writes a JSON pointer as OpenAI names a field: messages[2].content. It
// stops before a name that no field has, since that is the client's content.
func pathOf(pointer jsontext.Pointer) string {
	var path []byte
	for token := range pointer.Tokens() {
		switch {
		case isIndex(token) && len(path) > 0:
			path = append(path, '[')
			path = append(path, token...)
			path = append(path, ']')
		case isFieldName(token):
			if len(path) > 0 {
				path = append(path, '.')
			}
			path = append(path, token...)
		default:
			return string(path)
		}
	}
	return string(path)
}

// at is the path of an element.
func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func isIndex(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) < 10
}

// isFieldName tells whether s looks like the names that the formats have:
// lower-case words, joined by underscores.
func isFieldName(s string) bool {
	const longest = 40
	if s == "" || len(s) > longest {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
