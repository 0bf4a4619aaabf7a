package relational

import "encoding/json"

// encode returns v's JSON as the text that SQLite's strict columns want.
func encode(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}
