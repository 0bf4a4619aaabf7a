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
// answer to it, best first. A name whose strategy goes without saying may be
// written as its targets alone.
//
//	models:
//	  assistant:
//	    - { target: openai/gpt-5, weight: 3 }                 # three calls of four
//	    - { target: anthropic/claude-sonnet-4-5, weight: 1 }  # one of four
//	    - { target: local/llama3.3 }                          # when neither answers
//	  fast:
//	    strategy: latency
//	    targets: [groq/llama-3.3-70b, local/llama3.3]         # whichever is quicker now
//	    fallbacks: [openai/gpt-5-mini]                        # when neither answers
type Config map[string]Model

// Model is how a public name is served: by its targets, and by the fallbacks in
// order where none of those answers.
type Model struct {
	Sticky    Sticky            `koanf:"sticky"`               // whether a conversation, or what has one prompt_cache_key, stays with one of the targets that share calls while that takes them: auto (where they take turns and one of them sells cached input for less), on or off
	Strategy  messages.Strategy `koanf:"strategy"`             // which of the targets that share calls is asked first: weighted, round-robin, least-in-flight, latency or cheapest
	Targets   []Step            `koanf:"targets" short:"true"` // the places that answer, best first. With a strategy all of them share the calls, unless some have a weight: then those do. A name may be written as this list alone
	Fallbacks []Level           `koanf:"fallbacks"`            // asked in order when none of the targets answers; each has the keys strategy and targets, or is a target or a list of them
}

// Level is a set of targets that stands behind another.
type Level struct {
	Strategy messages.Strategy `koanf:"strategy"`             // as the name's own
	Targets  []Step            `koanf:"targets" short:"true"` // as the name's own
}

// Step is one place that answers to a public name. It may be written as its
// target alone.
type Step struct {
	Target string `koanf:"target" short:"true"` // provider/model
	Weight int    `koanf:"weight"`              // share of the calls among the neighbours that have one; 0 for a step of its own
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

// steps are all places of a model, those of its fallbacks last.
func (m Model) steps() []Step {
	all := slices.Clone(m.Targets)
	for _, level := range m.Fallbacks {
		all = append(all, level.Targets...)
	}
	return all
}

// Validate reports every fault at once. It needs to know which providers there
// are.
func (c Config) Validate(providers []Provider) error {
	faults := make([]error, 0, len(c))
	for _, name := range slices.Sorted(maps.Keys(c)) {
		faults = append(faults, c[name].faults(name, providers)...)
	}
	return errors.Join(faults...)
}

func (m Model) faults(name string, providers []Provider) (faults []error) {
	section := "models." + name
	if name == "" || len(name) > maxName {
		faults = append(faults, fmt.Errorf("%s: give a name of 1 to %d bytes", section, maxName))
	}
	all := m.steps()
	if len(all) > maxSteps {
		faults = append(faults, fmt.Errorf("%s has %d targets: give 1 to %d", section, len(all), maxSteps))
	}
	faults = append(faults, Level{m.Strategy, m.Targets}.faults(section, providers)...)
	for i, level := range m.Fallbacks {
		faults = append(faults, level.faults(fmt.Sprintf("%s.fallbacks[%d]", section, i), providers)...)
	}
	simulated := 0
	for _, step := range all {
		target, _ := messages.ParseTarget(step.Target)
		if at := indexOf(providers, target.Provider); at >= 0 && providers[at].Simulated {
			simulated++
		}
	}
	if simulated > 0 && simulated < len(all) {
		faults = append(faults, fmt.Errorf("%s: a simulated model must not answer in place of a real one: name only the one or the other", section))
	}
	return faults
}

func (l Level) faults(section string, providers []Provider) (faults []error) {
	if len(l.Targets) == 0 {
		faults = append(faults, fmt.Errorf("%s has no targets: give 1 to %d, such as [openai/gpt-5]", section, maxSteps))
	}
	for i, step := range l.Targets {
		faults = append(faults, step.faults(fmt.Sprintf("%s.targets[%d]", section, i), l.Strategy, providers)...)
	}
	return faults
}

func (s Step) faults(at string, strategy messages.Strategy, providers []Provider) (faults []error) {
	target, ok := messages.ParseTarget(s.Target)
	if !ok {
		return append(faults, fmt.Errorf("%s.target is %q: give a provider and its name for a model, such as openai/gpt-5", at, s.Target))
	}
	if s.Weight < 0 || s.Weight > maxWeight {
		faults = append(faults, fmt.Errorf("%s.weight is %d: give a number from 1 to %d, or leave it out", at, s.Weight, maxWeight))
	} else if s.Weight > 1 && strategy > messages.StrategyWeighted {
		faults = append(faults, fmt.Errorf("%s.weight is %d: the strategy %s has no shares: give 1, or the strategy weighted", at, s.Weight, strategy))
	}
	if indexOf(providers, target.Provider) < 0 {
		faults = append(faults, fmt.Errorf("%s.target is %q: there is no provider %s; there are %s", at, s.Target, target.Provider, namesOf(providers)))
	}
	return faults
}

// indexOf is where the provider of that name stands, or below 0.
func indexOf(providers []Provider, name string) int {
	return slices.IndexFunc(providers, func(p Provider) bool { return p.Name == name })
}

func namesOf(providers []Provider) string {
	names := make([]string, len(providers))
	for i := range providers {
		names[i] = providers[i].Name
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
