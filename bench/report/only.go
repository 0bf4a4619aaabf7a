package report

import (
	"flag"
	"fmt"
	"slices"
	"strings"
)

// Only is the flag -only: the parts of a benchmark that are asked for. None
// means all.
type Only struct {
	Names []string
	known []string
}

// Flag adds the flag, which takes some of the known names, joined by commas.
func (o *Only) Flag(flags *flag.FlagSet, known []string) {
	o.known = known
	flags.Var(o, "only", "`parts` to run, joined by commas: "+strings.Join(known, ", "))
}

// Set implements flag.Value.
func (o *Only) Set(value string) error {
	o.Names = strings.Split(value, ",")
	for _, name := range o.Names {
		if !slices.Contains(o.known, name) {
			return fmt.Errorf("there is no %q: give some of %s", name, strings.Join(o.known, ", "))
		}
	}
	return nil
}

// String implements flag.Value.
func (o *Only) String() string { return strings.Join(o.Names, ",") }

// Has tells whether a part is asked for.
func (o *Only) Has(name string) bool { return len(o.Names) == 0 || slices.Contains(o.Names, name) }
