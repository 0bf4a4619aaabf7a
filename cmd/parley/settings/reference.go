package settings

import "reflect"

// Entry describes a key for the reference.
type Entry struct {
	Key      string // an entry of a table is called <name>, an item of a list []
	Type     string // in words
	Variable string // empty for what is inside a list
	InFile   bool   // a file may hold it: the key with _file behind it names one, and the variable with _FILE
	Owner    reflect.Type
	Field    string // of Owner
}

// Reference lists all keys of *config.
func Reference(config any, prefix string) []Entry {
	root := schemaOf(config)
	held := make(map[*key]bool)
	for _, k := range root.values() {
		if k.kind == pathTo {
			held[k.holds] = true
		}
	}
	var entries []Entry
	for _, k := range root.values() {
		if k.kind == pathTo {
			continue
		}
		e := k.entry()
		e.Variable, e.InFile = k.variable(prefix), held[k]
		entries = append(entries, e)
		entries = append(entries, k.items()...)
	}
	return entries
}

// items describes the keys of a list's items, and of those below them.
func (k *key) items() (entries []Entry) {
	if k.kind != list || k.element.kind != section {
		return nil
	}
	for _, field := range k.element.values() {
		entries = append(append(entries, field.entry()), field.items()...)
	}
	return entries
}

func (k *key) entry() Entry {
	return Entry{Key: k.path, Type: k.kindName(), Owner: k.owner, Field: k.field}
}
