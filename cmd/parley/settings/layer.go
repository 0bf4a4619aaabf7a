package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// layer is what one source says: values as nested maps, and the origin of each
// by its path.
type layer struct {
	root    *key
	values  map[string]any
	origins map[string]Origin
	faults  []error
}

// fault notes what is wrong with the value at an origin.
func (y *layer) fault(at Origin, format string, args ...any) {
	y.faults = append(y.faults, &Fault{At: at, Text: fmt.Sprintf(format, args...)})
}

// note remembers where the value at a path is from. It returns false, and
// notes a fault, where the same source said another one before.
func (y *layer) note(path []string, at Origin) bool {
	name := strings.Join(path, ".")
	if first, twice := y.origins[name]; twice {
		y.fault(at, "%s is set by %s too: keep one of the two", name, first)
		return false
	}
	y.origins[name] = at
	return true
}

// parse turns what was written into what the key takes, or notes a fault.
func (y *layer) parse(k *key, path []string, written string, at Origin) (value any, ok bool) {
	if k.kind == pathTo {
		return y.secretIn(written, path, at)
	}
	value, err := k.parse(written)
	if err != nil {
		y.fault(at, "%s is %s: %s", strings.Join(path, "."), quote(k, written), err)
	}
	return value, err == nil
}

// secretIn reads the secret that a file holds, without the line's end.
func (y *layer) secretIn(file string, path []string, at Origin) (secret any, ok bool) {
	content, err := os.ReadFile(file) // #nosec G304 -- the operator names it
	if err != nil {
		y.fault(at, "%s is %q, which cannot be read: %s", strings.Join(path, "."), file, reason(err))
		return nil, false
	}
	trimmed := strings.TrimSpace(string(content))
	if trimmed == "" {
		y.fault(at, "%s is %q, which is empty: put the secret into it", strings.Join(path, "."), file)
		return nil, false
	}
	return trimmed, true
}

// beside returns the path as it is seen from the folder of the file that names
// it.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// quote shows what was found, unless it is a secret, and not much of it.
func quote(k *key, written string) string {
	const longest = 60 // bytes; what is longer was not meant as a setting
	switch {
	case k.secret:
		return "not usable"
	case len(written) > longest:
		return strconv.Quote(strings.ToValidUTF8(written[:longest], "")) + "..."
	default:
		return strconv.Quote(written)
	}
}

// set stores what a variable or a flag says. A list may be written with commas,
// and anything that is no single value as YAML.
func (y *layer) set(k *key, path []string, written string, at Origin) {
	var value any
	ok := true
	switch k.kind {
	case section, table, list:
		value = y.flow(k, path, written, at)
		ok = value != nil
	default:
		value, ok = y.parse(k, path, written, at)
	}
	if k.kind == pathTo {
		path = append(slices.Clone(path[:len(path)-1]), k.holds.name)
	}
	if ok && y.note(path, at) {
		store(y.values, path, value)
	}
}

// store puts the value into nested maps.
func store(into map[string]any, path []string, value any) {
	for _, step := range path[:len(path)-1] {
		next, ok := into[step].(map[string]any)
		if !ok {
			next = make(map[string]any)
			into[step] = next
		}
		into = next
	}
	into[path[len(path)-1]] = value
}

// flow reads YAML that stands in a variable or a flag.
func (y *layer) flow(k *key, path []string, written string, at Origin) any {
	if trimmed := strings.TrimSpace(written); k.isList() && !strings.HasPrefix(trimmed, "[") && !strings.HasPrefix(trimmed, "{") {
		written = "[" + written + "]"
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(written), &document); err != nil || len(document.Content) == 0 {
		y.fault(at, "%s is %s, which is not YAML: %s", strings.Join(path, "."), quote(k, written), k.allowed())
		return nil
	}
	r := &reader{layer: y, from: at}
	return r.value(document.Content[0], k, path)
}

// find returns the key of a path in which table entries have their names.
func (y *layer) find(path string) (found *key, steps []string) {
	found, steps = y.root, strings.Split(path, ".")
	for _, step := range steps {
		if found.kind == table {
			found = found.element
		} else {
			found = found.child(step)
		}
		if found == nil {
			panic("settings: " + path + " is no key")
		}
	}
	return found, steps
}

// flags reads the flags that were given.
func (y *layer) flags(flags []Flag) {
	for _, f := range flags {
		k, path := y.find(f.Key)
		y.set(k, path, f.Value, Origin{Source: f.Name})
	}
}
