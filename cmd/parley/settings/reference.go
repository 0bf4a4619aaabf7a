package settings

import "reflect"

// Entry describes a key for the reference.
type Entry struct {
	Key      string // an entry of a table is called <name>
	Type     string // in words
	Default  string // as an operator would write it; empty for none
	Variable string
	Secret   bool         // may come from a file: the key with _file behind it, the variable with _FILE
	Owner    reflect.Type // the struct whose field it is
	Field    string
}

// Reference lists all keys of *config, whose values are the defaults.
func Reference(config any, prefix string) []Entry {
	var entries []Entry
	for _, k := range schemaOf(config).values() {
		if k.kind == pathTo {
			continue
		}
		e := Entry{
			Key: k.path, Type: k.kindName(), Variable: k.variable(prefix), Secret: k.secret,
			Owner: k.owner, Field: k.field,
		}
		if k.initial.IsValid() && !k.initial.IsZero() {
			e.Default = k.show(k.initial)
		}
		entries = append(entries, e)
	}
	return entries
}
