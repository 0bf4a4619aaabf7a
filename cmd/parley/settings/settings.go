// Package settings reads a configuration into a struct: defaults, then
// variables that other programs read too, then a YAML file, then the program's
// own environment, then flags. It knows every key from the struct's koanf tags,
// remembers where each value came from, and reports all faults at once, each
// with its place, what was found there, and what is allowed.
//
// A field's type says what it takes; three tags say more:
//
//	MaxBody int    `koanf:"max_body" unit:"bytes"` // takes 4MiB as well as 4194304
//	APIKey  string `koanf:"api_key" secret:"true"` // never printed; api_key_file and *_API_KEY_FILE name a file that holds it
//	Targets []Step `koanf:"targets" short:"true"`  // a list in place of its section's mapping stands for this key
package settings

import (
	"fmt"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

// Sources are where values come from, the later before the earlier.
type Sources struct {
	// Shared maps variables that other programs read as well to the keys that
	// they set, such as OPENAI_API_KEY to providers.openai.api_key. What the
	// file says goes before them: it was written for this program.
	Shared map[string]string
	// File is the path of a YAML file; empty for none.
	File string
	// Prefix is what the program's own variables begin with, such as PARLEY_.
	Prefix string
	// Ignored tells of a variable with the prefix that it sets no key and yet
	// is no mistake; nil for none.
	Ignored func(name string) bool
	// Environment is as [os.Environ] returns it. A variable that is set to
	// nothing counts as not set: that is what compose files leave behind.
	Environment []string
	Flags       []Flag
}

// Flag is a flag that was given.
type Flag struct {
	Name  string // with its dashes, for messages
	Key   string
	Value string
}

// delimiter joins the names of a path inside koanf. Entries of a table may be
// named after models, whose names have dots and slashes in them.
const delimiter = "\x1f"

// Load reads the sources into config, a pointer to a struct that holds the
// defaults. Its faults are in the order of the sources, and the values that
// they concern keep their defaults, so that the caller can look for further
// ones: see [Loaded.Report].
func Load(config any, s Sources) *Loaded {
	root := schemaOf(config)
	l := &Loaded{config: config, root: root, origins: make(map[string]Origin)}
	variables := environment(s.Environment)
	merged := koanf.New(delimiter)
	layers := []func(*layer){
		func(y *layer) { y.shared(s.Shared, variables) },
		func(y *layer) { y.file(s.File, variables) },
		func(y *layer) { y.environment(s, variables, merged.Raw()) },
		func(y *layer) { y.flags(s.Flags) },
	}
	initial, _ := root.plain(root.initial).(map[string]any)
	l.merge(merged, initial)
	for _, read := range layers {
		y := &layer{root: root, values: make(map[string]any), origins: make(map[string]Origin)}
		read(y)
		l.faults = append(l.faults, y.faults...)
		l.merge(merged, y.values)
		l.overlay(y.origins)
	}
	if err := merged.Unmarshal("", config); err != nil {
		l.faults = append(l.faults, err)
	}
	return l
}

// Loaded is what Load made of its sources.
type Loaded struct {
	config  any
	root    *key
	origins map[string]Origin // by path, sections included
	faults  []error
}

// merge puts the values over those that are there.
func (l *Loaded) merge(merged *koanf.Koanf, values map[string]any) {
	if err := merged.Load(confmap.Provider(values, ""), nil); err != nil {
		l.faults = append(l.faults, err)
	}
}

// overlay takes over the origins of the next layer. A list is replaced as a
// whole, so nothing that was said of its items holds any longer.
func (l *Loaded) overlay(above map[string]Origin) {
	for path := range above {
		if strings.HasSuffix(path, "]") {
			continue
		}
		for old := range l.origins {
			if strings.HasPrefix(old, path+"[") {
				delete(l.origins, old)
			}
		}
	}
	for path, origin := range above {
		l.origins[path] = origin
	}
}

// Origin is where a value came from. The zero value is a default.
type Origin struct {
	Source       string // a file's path, a variable's name, a flag with its dashes
	Line, Column int    // in a file; 0 elsewhere
}

// String is short enough for a table: parley.yaml:12.
func (o Origin) String() string {
	switch {
	case o.Source == "":
		return "default"
	case o.Line > 0:
		return fmt.Sprintf("%s:%d", o.Source, o.Line)
	default:
		return o.Source
	}
}

// place begins a fault's text.
func (o Origin) place() string {
	switch {
	case o.Source == "":
		return ""
	case o.Line > 0:
		return fmt.Sprintf("%s:%d:%d: ", o.Source, o.Line, o.Column)
	default:
		return o.Source + ": "
	}
}

// environment returns the variables by name, without the empty ones.
func environment(pairs []string) map[string]string {
	variables := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		if name, value, _ := strings.Cut(pair, "="); value != "" {
			variables[name] = value
		}
	}
	return variables
}
