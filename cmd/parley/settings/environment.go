package settings

import (
	"maps"
	"slices"
	"strings"
)

// shared reads the variables that other programs read as well.
func (y *layer) shared(keys, variables map[string]string) {
	for _, variable := range slices.Sorted(maps.Keys(keys)) {
		k, path := y.find(keys[variable])
		y.variable(k, path, variable, variables)
		if k.secret {
			file, path := y.find(keys[variable] + fileSuffix)
			y.variable(file, path, variable+strings.ToUpper(fileSuffix), variables)
		}
	}
}

func (y *layer) variable(k *key, path []string, name string, variables map[string]string) {
	if written, given := variables[name]; given {
		y.set(k, path, written, Origin{Source: name})
	}
}

// environment reads the program's own variables. One that no key has is a
// fault, since it was set for some effect.
func (y *layer) environment(s Sources, variables map[string]string, below map[string]any) {
	for _, variable := range slices.Sorted(maps.Keys(variables)) {
		name, own := strings.CutPrefix(variable, s.Prefix)
		if !own || s.Ignored != nil && s.Ignored(variable) {
			continue
		}
		k, path := resolve(y.root, strings.ToLower(name), nil, entries(below))
		if len(path) == 0 {
			y.unknownVariable(s.Prefix, variable)
			continue
		}
		y.variable(k, path, variable, variables)
	}
}

// entries returns what the layers beneath named the entries of the table at a
// path.
func entries(below map[string]any) func(path []string) []string {
	return func(path []string) []string {
		at := below
		for _, step := range path {
			at, _ = at[step].(map[string]any)
		}
		return slices.Sorted(maps.Keys(at))
	}
}

// resolve finds the key that a variable's name means. Names have underscores
// in them, so that all ways to read one are tried; the keys of the struct are
// such that at most one leads anywhere.
func resolve(k *key, name string, path []string, entries func(path []string) []string) (*key, []string) {
	if name == "" {
		return k, path
	}
	switch k.kind {
	case section:
		for _, child := range k.keys {
			rest, ok := cutName(name, child.name)
			if !ok {
				continue
			}
			if found, at := resolve(child, rest, append(slices.Clone(path), child.name), entries); found != nil {
				return found, at
			}
		}
	case table:
		return resolveEntry(k, name, path, entries)
	}
	return nil, nil
}

// resolveEntry finds the entry of a table that a variable's name means: one
// that exists under a name which reads alike, else a new one, named after all
// that stands before the longest key.
func resolveEntry(k *key, name string, path []string, entries func(path []string) []string) (*key, []string) {
	for _, entry := range entries(path) {
		rest, ok := cutName(name, alike(entry))
		if !ok {
			continue
		}
		if found, at := resolve(k.element, rest, append(slices.Clone(path), entry), entries); found != nil {
			return found, at
		}
	}
	for at := range len(name) {
		if name[at] != '_' || at == 0 {
			continue
		}
		if found, deep := resolve(k.element, name[at+1:], append(slices.Clone(path), name[:at]), entries); found != nil {
			return found, deep
		}
	}
	if k.element.kind != section && k.element.kind != table || k.element.short != nil {
		return k.element, append(slices.Clone(path), name)
	}
	return nil, nil
}

// alike writes an entry's name as a variable's name can have it.
func alike(entry string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			return c
		case 'A' <= c && c <= 'Z':
			return c + ('a' - 'A')
		default:
			return '_'
		}
	}, entry)
}

// cutName removes a name, and the underscore behind it, from the front.
func cutName(s, name string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(s, name)
	if !ok || rest == "" {
		return "", ok
	}
	return strings.CutPrefix(rest, "_")
}

func (y *layer) unknownVariable(prefix, variable string) {
	keys := y.root.values()
	known := make([]string, len(keys))
	for i, k := range keys {
		known[i] = k.variable(prefix)
	}
	near := Nearest(variable, known)
	if len(near) > 0 {
		y.fault(Origin{Source: variable}, "no key has this name: did you mean %s?", either(near))
		return
	}
	y.fault(Origin{Source: variable}, "no key has this name: see docs/configuration.md, or remove it from the environment")
}
