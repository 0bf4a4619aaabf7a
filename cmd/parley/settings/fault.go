package settings

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
)

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	At   Origin
	Text string // begins with the key; says what was found and what is allowed
}

// Error implements error: place, key, what was found, what is allowed.
func (f *Fault) Error() string { return f.At.place() + f.Text }

// Faults is all that is wrong with a configuration.
type Faults []error

// Error implements error, with a line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the faults.
func (f Faults) Unwrap() []error { return f }

// Report joins the faults of loading with those that a validation found in the
// values. It puts the place in front of each of the latter by the key that its
// text begins with, and sorts: a file's by line, then the others as the sources
// come. It returns nil where there are none, and Faults otherwise.
func (l *Loaded) Report(validation error) error {
	faults := append(Faults(nil), l.faults...)
	for _, err := range flatten(validation) {
		faults = append(faults, l.locate(err))
	}
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, byLine)
	return faults
}

// byLine sorts what is in a file before what is not.
func byLine(a, b error) int {
	p, q := placeOf(a), placeOf(b)
	switch {
	case p.Line > 0 && q.Line > 0:
		return cmp.Or(cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
	case p.Line > 0:
		return -1
	case q.Line > 0:
		return 1
	default:
		return 0
	}
}

func placeOf(err error) Origin {
	if fault, ok := errors.AsType[*Fault](err); ok {
		return fault.At
	}
	return Origin{}
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error }) // what errors.Join made, and nothing that wraps it
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

// locate finds the place of the key that the error's text begins with. A key
// that nobody set is looked for where what it belongs to was set.
func (l *Loaded) locate(err error) error {
	for path := firstWord(err.Error()); path != ""; path = parent(path) {
		if origin, known := l.origins[path]; known {
			return &Fault{At: origin, Text: err.Error()}
		}
	}
	return err
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return strings.TrimRight(word, ":,")
}

// parent cuts the last name or index off a path.
func parent(path string) string {
	at := strings.LastIndexAny(path, ".[")
	if at < 0 {
		return ""
	}
	return path[:at]
}

// reason is why a file could not be read, in few words.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	case errors.Is(err, syscall.EISDIR):
		return "it is a directory"
	default:
		return err.Error()
	}
}
