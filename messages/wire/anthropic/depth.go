package anthropic

// maxDepth is how deep a request's arrays and objects may nest: blocks are read
// level by level, and nobody writes a schema as deep as this.
const maxDepth = 64

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
