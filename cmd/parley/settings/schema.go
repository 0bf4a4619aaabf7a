package settings

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// kind is what a key takes.
type kind uint8

const (
	section  kind = iota // keys of its own
	table                // entries that the operator names, all of one kind
	list                 // items, all of one kind
	text                 //
	yesNo                //
	whole                // a number without a fraction
	number               //
	size                 // whole, of bytes
	duration             //
	worded               // text that the type reads itself, as encoding.TextUnmarshaler
	pathTo               // the name of a file that holds the secret beside it
)

// key is one place in the configuration.
type key struct {
	path    string // as the operator writes it: http.max_body; providers.<name>.api_key
	name    string // the last part of path
	kind    kind
	typ     reflect.Type
	keys    []*key // of a section, in the struct's order
	element *key   // of a table and a list
	short   *key   // of a section: the key that a value of another shape stands for; nil for none
	secret  bool
	holds   *key          // of a pathTo: the secret
	initial reflect.Value // the default; invalid inside tables and lists
	owner   reflect.Type  // the struct that declares it
	field   string        // its name there
}

// entryName stands for the name of a table's entry in a path.
const entryName = "<name>"

// schemaOf reads the keys of *config. It panics where the struct has a field
// that a configuration cannot fill: that is a mistake in the program.
func schemaOf(config any) *key {
	value := reflect.ValueOf(config).Elem()
	root := &key{typ: value.Type(), initial: value}
	root.explore()
	return root
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	unmarshaler  = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// explore finds out what kind of key it is, by its type, and what is below.
func (k *key) explore() {
	switch t := k.typ; {
	case t == durationType:
		k.kind = duration
	case reflect.PointerTo(t).Implements(unmarshaler):
		k.kind = worded
	case t.Kind() == reflect.Struct:
		k.kind = section
		k.exploreFields()
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		k.kind = table
		k.element = k.below(join(k.path, entryName), entryName, t.Elem())
	case t.Kind() == reflect.Slice:
		k.kind = list
		k.element = k.below(k.path+"[]", k.name, t.Elem())
	case t.Kind() == reflect.String:
		k.kind = text
	case t.Kind() == reflect.Bool:
		k.kind = yesNo
	case reflect.Int <= t.Kind() && t.Kind() <= reflect.Uint64:
		k.kind = whole
	case t.Kind() == reflect.Float64, t.Kind() == reflect.Float32:
		k.kind = number
	default:
		panic(fmt.Sprintf("settings: %s is a %s, which no configuration can fill", k.path, t))
	}
}

func (k *key) below(path, name string, t reflect.Type) *key {
	element := &key{path: path, name: name, typ: t, secret: k.secret, owner: k.owner, field: k.field}
	element.explore()
	return element
}

// exploreFields finds the keys of a section. An embedded struct that is tagged
// with squash adds its own.
func (k *key) exploreFields() {
	for _, f := range reflect.VisibleFields(k.typ) {
		name := f.Tag.Get("koanf")
		if !f.IsExported() || f.Anonymous && name == ",squash" {
			continue
		}
		if name == "" {
			panic(fmt.Sprintf("settings: %s.%s has no koanf tag", k.typ, f.Name))
		}
		child := &key{path: join(k.path, name), name: name, typ: f.Type, owner: declares(k.typ, f.Index), field: f.Name}
		if k.initial.IsValid() {
			child.initial = k.initial.FieldByIndex(f.Index)
		}
		child.secret, _ = strconv.ParseBool(f.Tag.Get("secret"))
		child.explore()
		if child.kind == whole && f.Tag.Get("unit") == "bytes" {
			child.kind = size
		}
		k.keys = append(k.keys, child)
		if f.Tag.Get("short") != "" {
			k.short = child
		}
		if child.secret && child.kind == text {
			k.keys = append(k.keys, child.companion())
		}
	}
}

// declares returns the struct that has the field at index: t, or one that is
// embedded in it.
func declares(t reflect.Type, index []int) reflect.Type {
	if len(index) == 1 {
		return t
	}
	return declares(t.Field(index[0]).Type, index[1:])
}

// fileSuffix ends the name of the key that says where a secret is kept.
const fileSuffix = "_file"

// companion returns the key beside a secret that names a file which holds it.
func (k *key) companion() *key {
	return &key{path: k.path + fileSuffix, name: k.name + fileSuffix, kind: pathTo, typ: k.typ, holds: k}
}

// plain turns a value into what koanf merges: maps, lists and single values.
// It returns nil where nothing is said.
func (k *key) plain(v reflect.Value) any {
	switch k.kind {
	case section:
		values := make(map[string]any, len(k.keys))
		for _, c := range k.keys {
			if c.kind == pathTo {
				continue
			}
			if value := c.plain(v.FieldByName(c.field)); value != nil {
				values[c.name] = value
			}
		}
		return values
	case table:
		if v.IsNil() {
			return nil
		}
		values := make(map[string]any, v.Len())
		for entry := range v.Seq2() {
			values[entry.String()] = k.element.plain(v.MapIndex(entry))
		}
		return values
	case list:
		return k.plainList(v)
	case worded:
		if v.IsZero() {
			return nil
		}
		return fmt.Sprint(v.Interface())
	default:
		return v.Interface()
	}
}

func (k *key) plainList(v reflect.Value) any {
	if v.IsNil() {
		return nil
	}
	values := make([]any, v.Len())
	for i := range values {
		values[i] = k.element.plain(v.Index(i))
	}
	return values
}

// join appends a name to a path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// isList tells whether a list can be written where the key stands.
func (k *key) isList() bool {
	return k.kind == list || k.short != nil && k.short.isList()
}

// child returns the key of that name, or nil.
func (k *key) child(name string) *key {
	for _, c := range k.keys {
		if c.name == name {
			return c
		}
	}
	return nil
}

// values returns the keys at or below k where values stand, in the struct's
// order.
func (k *key) values() []*key {
	switch k.kind {
	case section:
		var found []*key
		for _, c := range k.keys {
			found = append(found, c.values()...)
		}
		return found
	case table:
		return k.element.values()
	default:
		return []*key{k}
	}
}

// variable names the environment variable that sets k.
func (k *key) variable(prefix string) string {
	return prefix + strings.ToUpper(strings.NewReplacer(".", "_").Replace(k.path))
}
