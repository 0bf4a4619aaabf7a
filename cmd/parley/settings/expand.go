package settings

import (
	"fmt"
	"strings"
)

// expand replaces ${NAME} by the variable's value, and $$ by $. Any other $ is
// an ordinary character.
func expand(s string, variables map[string]string) (string, error) {
	if !strings.Contains(s, "$") {
		return s, nil
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, "$")
		out.WriteString(before)
		switch {
		case !found:
			return out.String(), nil
		case strings.HasPrefix(after, "$"):
			out.WriteByte('$')
			s = after[1:]
		case strings.HasPrefix(after, "{"):
			name, rest, closed := strings.Cut(after[1:], "}")
			if !closed || !variableName(name) {
				return "", fmt.Errorf("a reference to the environment is written ${NAME}, and a $ before a brace $$")
			}
			value, set := variables[name]
			if !set {
				return "", fmt.Errorf("${%s} is not set in the environment: set it, or write $$ where a $ is meant", name)
			}
			out.WriteString(value)
			s = rest
		default:
			out.WriteByte('$')
			s = after
		}
	}
}

func variableName(s string) bool {
	for i, c := range s {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
