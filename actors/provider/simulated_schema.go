package provider

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// schema is as much of JSON Schema as is needed to make up a value.
type schema struct {
	Type        any                `json:"type"` // a word, or several
	Ref         string             `json:"$ref"`
	Defs        map[string]*schema `json:"$defs"`
	Definitions map[string]*schema `json:"definitions"`
	Const       json.RawMessage    `json:"const"`
	Default     json.RawMessage    `json:"default"`
	Examples    []json.RawMessage  `json:"examples"`
	Enum        []json.RawMessage  `json:"enum"`
	AnyOf       []*schema          `json:"anyOf"`
	OneOf       []*schema          `json:"oneOf"`
	AllOf       []*schema          `json:"allOf"`
	Properties  map[string]*schema `json:"properties"`
	Items       *schema            `json:"items"`
	MinItems    int                `json:"minItems"`
	MinLength   int                `json:"minLength"`
	Minimum     json.Number        `json:"minimum"`
	Format      string             `json:"format"`
}

// fitting makes up a JSON text for a schema; {} where it cannot be read.
func fitting(text json.RawMessage) string {
	var root schema
	if len(text) == 0 || json.Unmarshal(text, &root) != nil {
		return "{}"
	}
	made := invention{root: &root, left: maxValues}
	value, err := json.Marshal(made.value(&root, "value", 0))
	if err != nil {
		return "{}"
	}
	return string(value)
}

const (
	maxValues      = 200 // in one invention: a schema may refer to itself many times over
	maxSchemaDepth = 8   // below that a recursive schema has gone round often enough
	maxMadeUp      = 16  // items of a list, and words of a text, whatever the least is
)

// invention makes up a value for a schema.
type invention struct {
	root *schema
	left int // values that may still be made
}

// value makes up one that is called name.
func (v *invention) value(s *schema, name string, depth int) any {
	if v.left == 0 {
		return nil
	}
	v.left--
	if s == nil || depth > maxSchemaDepth {
		return nil
	}
	if given := s.given(); given != nil {
		return given
	}
	if other := s.other(v.root); other != nil {
		return v.value(other, name, depth+1)
	}
	switch s.kind() {
	case "object":
		return v.object(s, depth)
	case "array":
		list := make([]any, 0, 1)
		for range min(max(1, s.MinItems), maxMadeUp) {
			list = append(list, v.value(s.Items, name, depth+1))
		}
		return list
	case "number", "integer":
		if s.Minimum != "" {
			return s.Minimum
		}
		return 1
	case "boolean":
		return true
	case "null":
		return nil
	default:
		return s.text(name)
	}
}

// object makes up one with all its properties, or those for which there is room:
// in their order, so that it is the same one each time.
func (v *invention) object(s *schema, depth int) map[string]any {
	object := make(map[string]any)
	for _, property := range slices.Sorted(maps.Keys(s.Properties)) {
		if v.left > 0 {
			object[property] = v.value(s.Properties[property], property, depth+1)
		}
	}
	return object
}

// given is a value that the schema names itself, or nil.
func (s *schema) given() any {
	for _, value := range append([]json.RawMessage{s.Const, s.Default}, append(s.Examples, s.Enum...)...) {
		if len(value) > 0 {
			return value
		}
	}
	return nil
}

// other is the schema that this one stands for, or nil.
func (s *schema) other(root *schema) *schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
		return root.Defs[name]
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/definitions/"); ok {
		return root.Definitions[name]
	}
	if s.Ref == "#" {
		return root
	}
	for _, several := range [][]*schema{s.AnyOf, s.OneOf, s.AllOf} {
		if len(several) > 0 {
			return several[0]
		}
	}
	return nil
}

func (s *schema) kind() string {
	kind, _ := s.Type.(string)
	if several, ok := s.Type.([]any); ok && len(several) > 0 {
		kind, _ = several[0].(string)
	}
	if kind == "" && s.Properties != nil {
		return "object"
	}
	return kind
}

// text makes up a text that is called name.
func (s *schema) text(name string) string {
	switch s.Format {
	case "date":
		return "2025-01-01"
	case "date-time":
		return "2025-01-01T00:00:00Z"
	case "time":
		return "12:00:00Z"
	case "email":
		return "someone@example.com"
	case "uri", "url":
		return "https://example.com/"
	case "uuid":
		return "00000000-0000-4000-8000-000000000000"
	}
	text := "example " + name
	for range maxMadeUp {
		if len(text) < s.MinLength {
			text += " example"
		}
	}
	return text
}
