package router

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/parley/messages"
)

// Config is the section "models": public names, each with the places that
// answer to it, best first. Neighbours that have a weight share the calls; a
// step without one is a fallback of its own.
//
//	models:
//	  assistant:
//	    - { target: openai/gpt-5, weight: 3 }                 # three calls of four
//	    - { target: anthropic/claude-sonnet-4-5, weight: 1 }  # one of four
//	    - { target: local/llama3.3 }                          # when neither answers
type Config map[string][]Step

// Step is one place that answers to a public name.
type Step struct {
	Target string `koanf:"target"` // provider/model
	Weight int    `koanf:"weight"` // share of the calls among the neighbours that have one; 0 for a step of its own
}

// DefaultConfig has no public names: those of the providers go without saying.
func DefaultConfig() Config { return Config{} }

// Provider is what the router knows of one.
type Provider struct {
	Name      string
	Kind      string // openai, anthropic or another
	Models    []string
	Weight    int // among the providers of the same model; 0 counts as 1
	Simulated bool
}

const (
	maxWeight = 100 // shares finer than a percent are not worth a longer round
	maxSteps  = 32  // of one name
	maxName   = 128 // bytes of a public name
)

// Validate reports every fault at once. It needs to know which providers there
// are.
func (c Config) Validate(providers []Provider) error {
	faults := make([]error, 0, len(c))
	for _, name := range slices.Sorted(maps.Keys(c)) {
		faults = append(faults, faultsOf(name, c[name], providers)...)
	}
	return errors.Join(faults...)
}

func faultsOf(name string, steps []Step, providers []Provider) (faults []error) {
	section := "models." + name
	if name == "" || len(name) > maxName {
		faults = append(faults, fmt.Errorf("%s: give a name of 1 to %d bytes", section, maxName))
	}
	if len(steps) == 0 || len(steps) > maxSteps {
		faults = append(faults, fmt.Errorf("%s has %d targets: give 1 to %d, such as {target: openai/gpt-5}", section, len(steps), maxSteps))
	}
	simulated := 0
	for i, step := range steps {
		at := fmt.Sprintf("%s[%d]", section, i)
		target, ok := parseTarget(step.Target)
		if !ok {
			faults = append(faults, fmt.Errorf("%s.target is %q: give a provider and its name for a model, such as openai/gpt-5", at, step.Target))
			continue
		}
		if step.Weight < 0 || step.Weight > maxWeight {
			faults = append(faults, fmt.Errorf("%s.weight is %d: give a number from 1 to %d, or leave it out", at, step.Weight, maxWeight))
		}
		known := slices.IndexFunc(providers, func(p Provider) bool { return p.Name == target.Provider })
		switch {
		case known < 0:
			faults = append(faults, fmt.Errorf("%s.target is %q: there is no provider %s; there are %s", at, step.Target, target.Provider, namesOf(providers)))
		case providers[known].Simulated:
			simulated++
		}
	}
	if simulated > 0 && simulated < len(steps) {
		faults = append(faults, fmt.Errorf("%s: a simulated model must not answer in place of a real one: name only the one or the other", section))
	}
	return faults
}

// parseTarget takes a provider/model apart. The model's name may have slashes.
func parseTarget(s string) (t messages.Target, ok bool) {
	t.Provider, t.Model, ok = strings.Cut(s, "/")
	return t, ok && t.Provider != "" && t.Model != ""
}

func namesOf(providers []Provider) string {
	names := make([]string, len(providers))
	for i := range providers {
		names[i] = providers[i].Name
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
