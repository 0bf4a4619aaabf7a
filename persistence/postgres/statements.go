package postgres

import (
	"strconv"
	"strings"
	"sync"
)

// statements are the texts that were met, as PostgreSQL wants them: there are as
// many as in the code. It is safe for concurrent use.
type statements struct{ numbered sync.Map }

// of writes a statement's question marks as $1, $2, ... None has one in a string.
func (s *statements) of(text string) string {
	if done, ok := s.numbered.Load(text); ok {
		return done.(string)
	}
	var out strings.Builder
	n := 0
	for _, part := range strings.SplitAfter(text, "?") {
		marked := strings.HasSuffix(part, "?")
		out.WriteString(strings.TrimSuffix(part, "?"))
		if marked {
			n++
			out.WriteString("$" + strconv.Itoa(n))
		}
	}
	s.numbered.Store(text, out.String())
	return out.String()
}
