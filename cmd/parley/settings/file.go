package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// file reads the YAML file at path, if there is one to read.
func (y *layer) file(path string, variables map[string]string) {
	if path == "" {
		return
	}
	content, err := os.ReadFile(path) // #nosec G304 -- the operator names it
	if err != nil {
		y.fault(Origin{Source: path}, "the configuration cannot be read: %s", reason(err))
		return
	}
	r := &reader{layer: y, path: path, variables: variables}
	if document := r.document(content); document != nil {
		if values, ok := r.section(document, y.root, nil).(map[string]any); ok {
			y.values = values
		}
	}
}

// reader turns the nodes of a document into values of their keys' types.
type reader struct {
	*layer
	path      string            // of the file; empty for the value of a variable or a flag
	from      Origin            // of that value
	variables map[string]string // what ${NAME} refers to; nil where it stands for itself
	depth     int
}

// maxDepth stops at an alias that contains itself. No key is as deep.
const maxDepth = 32

// at is the place of a node.
func (r *reader) at(node *yaml.Node) Origin {
	if r.path == "" {
		return r.from
	}
	return Origin{Source: r.path, Line: node.Line, Column: node.Column}
}

// document returns the root of the only document in content, or nil where
// there is none.
func (r *reader) document(content []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		r.brokenYAML(content, err)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
		return document.Content[0]
	case err != nil:
		r.brokenYAML(content, err)
	default:
		r.fault(r.at(&second), "a second document begins here: keep one")
	}
	return nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// brokenYAML says where the text stops being YAML.
func (r *reader) brokenYAML(content []byte, err error) {
	at, text := Origin{Source: r.path}, err.Error()
	if found := yamlError.FindStringSubmatch(text); found != nil {
		text = found[2]
		_, _ = fmt.Sscan(found[1], &at.Line) // stays 0 where the parser names none
	}
	lines := bytes.Split(content, []byte("\n"))
	if at.Line > 0 && at.Line <= len(lines) {
		line := lines[at.Line-1]
		if tab := bytes.IndexByte(line, '\t'); tab >= 0 && len(bytes.TrimLeft(line[:tab], " ")) == 0 {
			text += "; lines are indented with spaces, never with tabs"
		}
		at.Column = 1 + len(line) - len(bytes.TrimLeft(line, " \t"))
	}
	r.fault(at, "this is not YAML: %s", text)
}

// value reads a node as what the key takes. It returns nil where the node says
// nothing, or nothing that may be used.
func (r *reader) value(node *yaml.Node, k *key, steps []string) any {
	if node.Kind == yaml.AliasNode {
		r.depth++
		defer func() { r.depth-- }()
		if r.depth > maxDepth {
			r.fault(r.at(node), "%s refers to itself", strings.Join(steps, "."))
			return nil
		}
		return r.value(node.Alias, k, steps)
	}
	switch k.kind {
	case section:
		return r.section(node, k, steps)
	case table:
		return r.table(node, k, steps)
	case list:
		return r.list(node, k, steps)
	default:
		return r.scalar(node, k, steps)
	}
}

// section reads a mapping whose keys are known, or the one value that a section
// may be written as.
func (r *reader) section(node *yaml.Node, k *key, steps []string) any {
	values := make(map[string]any)
	if k.short != nil && node.Kind != yaml.MappingNode && !null(node) {
		path := append(slices.Clone(steps), k.short.name)
		if read := r.value(node, k.short, path); read != nil && r.note(path, r.at(node)) {
			values[k.short.name] = read
		}
		return values
	}
	r.pairs(node, k, steps, func(name string, key, value *yaml.Node) {
		child := k.child(name)
		if child == nil {
			r.unknown(k, steps, key)
			return
		}
		path := append(slices.Clone(steps), name)
		read := r.value(value, child, path)
		if child.kind == pathTo {
			child, path = child.holds, append(slices.Clone(steps), child.holds.name)
		}
		at := r.at(value)
		if value.Kind != yaml.ScalarNode {
			at = r.at(key)
		}
		if read != nil && r.note(path, at) {
			values[child.name] = read
		}
	})
	return values
}

// table reads a mapping whose keys the operator chose.
func (r *reader) table(node *yaml.Node, k *key, steps []string) any {
	values := make(map[string]any)
	r.pairs(node, k, steps, func(name string, key, value *yaml.Node) {
		path := append(slices.Clone(steps), name)
		r.origins[strings.Join(path, ".")] = r.at(key)
		switch read := r.value(value, k.element, path); {
		case read != nil:
			values[name] = read
		case k.element.kind == section:
			values[name] = map[string]any{} // named, with the defaults for everything
		}
	})
	return values
}

// pairs calls visit for each pair of a mapping.
func (r *reader) pairs(node *yaml.Node, k *key, steps []string, visit func(name string, key, value *yaml.Node)) {
	if null(node) {
		return // every line below it is commented out
	}
	if node.Kind != yaml.MappingNode {
		r.wrongType(node, k, steps)
		return
	}
	seen := make(map[string]int, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if line, twice := seen[name.Value]; twice {
			r.fault(r.at(name), "%s is given twice, first on line %d: keep one", join(strings.Join(steps, "."), name.Value), line)
			continue
		}
		seen[name.Value] = name.Line
		visit(name.Value, name, value)
	}
}

// list reads a sequence. A single value is a list of one.
func (r *reader) list(node *yaml.Node, k *key, steps []string) any {
	items := []*yaml.Node{node}
	switch {
	case null(node):
		items = nil
	case node.Kind == yaml.SequenceNode:
		items = node.Content
	case node.Kind == yaml.MappingNode || k.element.kind == section && k.element.short == nil:
		r.wrongType(node, k, steps)
		return nil
	}
	values := make([]any, 0, len(items))
	for i, item := range items {
		path := slices.Clone(steps)
		path[len(path)-1] += fmt.Sprintf("[%d]", i)
		r.origins[strings.Join(path, ".")] = r.at(item)
		if value := r.value(item, k.element, path); value != nil {
			values = append(values, value)
		}
	}
	return values
}

// scalar reads a single value.
func (r *reader) scalar(node *yaml.Node, k *key, steps []string) any {
	if node.Kind != yaml.ScalarNode {
		r.wrongType(node, k, steps)
		return nil
	}
	if null(node) {
		r.fault(r.at(node), "%s has no value: %s, or remove the line", strings.Join(steps, "."), k.allowed())
		return nil
	}
	written, err := node.Value, error(nil)
	if r.variables != nil {
		written, err = expand(node.Value, r.variables)
	}
	if err != nil {
		r.fault(r.at(node), "%s: %s", strings.Join(steps, "."), err)
		return nil
	}
	if k.kind == pathTo && r.path != "" {
		written = beside(r.path, written)
	}
	value, ok := r.parse(k, steps, written, r.at(node))
	if !ok {
		return nil
	}
	return value
}

func null(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

// wrongType tells that the node has another shape than the key.
func (r *reader) wrongType(node *yaml.Node, k *key, steps []string) {
	found := quote(k, node.Value)
	switch node.Kind {
	case yaml.MappingNode:
		found = "a mapping"
	case yaml.SequenceNode:
		found = "a list"
	}
	name := strings.Join(steps, ".")
	if name == "" {
		name = "the file"
	}
	r.fault(r.at(node), "%s is %s: %s", name, found, k.allowed())
}

// unknown tells of a key that does not exist, and of those that were perhaps
// meant: in the same section, else anywhere.
func (r *reader) unknown(k *key, steps []string, name *yaml.Node) {
	prefix := strings.Join(steps, ".")
	path := join(prefix, name.Value)
	var candidates []string
	for _, near := range Nearest(name.Value, names(k.keys)) {
		candidates = append(candidates, join(prefix, near))
	}
	if len(candidates) == 0 {
		candidates = Nearest(name.Value, paths(r.root.values()))
	}
	if len(candidates) > 0 {
		r.fault(r.at(name), "%s is not known: did you mean %s?", path, either(candidates))
		return
	}
	where := "the top level"
	if prefix != "" {
		where = prefix
	}
	r.fault(r.at(name), "%s is not known: %s takes %s", path, where, enumerate(names(k.keys)))
}

func paths(keys []*key) []string {
	all := make([]string, len(keys))
	for i, k := range keys {
		all[i] = k.path
	}
	return all
}
