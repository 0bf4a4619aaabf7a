package socket

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Create is a message that asks a model for a response. more is further members,
// each with a comma before it.
func Create(model, text, more string) string {
	input, _ := json.Marshal(text) //nolint:errchkjson // of a string
	return `{"type":"response.create","model":"` + model + `","input":` + string(input) + more + `}`
}

// Prose is a text of so many words, some of which have characters of several bytes.
func Prose(words int) string {
	var b strings.Builder
	for i := range words {
		fmt.Fprintf(&b, "w%d %s ", i, []string{"and", "né", "日本", "😀"}[i%4])
	}
	return strings.TrimSpace(b.String())
}
