package settings

import (
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Value is a key with what it was set to.
type Value struct {
	Key    string // http.max_body
	Text   string // as an operator would write it; a secret is not in it
	Origin Origin
}

// hidden stands for a secret.
const hidden = "(secret)"

// Values lists the configuration as it is now: what the program derived after
// loading is listed with it.
func (l *Loaded) Values() []Value {
	return l.list(nil, l.root, l.root.path, reflect.ValueOf(l.config).Elem())
}

func (l *Loaded) list(values []Value, k *key, path string, v reflect.Value) []Value {
	switch {
	case k.kind == pathTo:
		return values
	case k.kind == section:
		for _, c := range k.keys {
			if c.kind != pathTo {
				values = l.list(values, c, join(path, c.name), v.FieldByName(c.field))
			}
		}
		return values
	case k.kind == table && v.Len() > 0:
		for _, name := range sortedKeys(v) {
			values = l.list(values, k.element, join(path, name), v.MapIndex(reflect.ValueOf(name).Convert(v.Type().Key())))
		}
		return values
	default:
		return append(values, Value{Key: path, Text: k.show(v), Origin: l.origins[path]})
	}
}

func sortedKeys(m reflect.Value) []string {
	names := make([]string, 0, m.Len())
	for _, key := range m.MapKeys() {
		names = append(names, key.String())
	}
	slices.Sort(names)
	return names
}

// show writes a value without its secrets.
func (k *key) show(v reflect.Value) string {
	switch {
	case k.secret && !v.IsZero():
		return hidden
	case k.kind == table:
		return "{}"
	case k.kind == text:
		return showText(v.String())
	default:
		return k.format(v)
	}
}

// showText hides the password of an address, and makes blank text visible.
func showText(s string) string {
	if u, err := url.Parse(s); err == nil && u.User != nil {
		if _, has := u.User.Password(); has {
			return u.Redacted()
		}
	}
	if s == "" || strings.TrimSpace(s) != s {
		return strconv.Quote(s)
	}
	return s
}
