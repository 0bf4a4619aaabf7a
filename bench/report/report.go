// Package report prints what a program under bench/ found out: one line of JSON
// at the end of standard output, the same for all of them.
//
//	{"name":"overhead","commit":"1a2b3c","machine":{...},"figures":{...},"targets":[{"name":"...","want":">= 0.65","got":0.7,"ok":true}]}
//
// Everything else that such a program says goes to standard error.
package report

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// Report is the line. Make one with New; one goroutine uses it.
type Report struct {
	Name    string         `json:"name"`
	Commit  string         `json:"commit"` // with "-dirty" where the work tree differed
	Machine Machine        `json:"machine"`
	Figures map[string]any `json:"figures"` // what was measured: numbers, and objects of numbers
	Targets []Target       `json:"targets"`
}

// New returns a report of this commit on this machine, with no figures yet.
func New(ctx context.Context, name string) *Report {
	return &Report{
		Name: name, Commit: commit(ctx), Machine: ThisMachine(),
		Figures: make(map[string]any), Targets: make([]Target, 0),
	}
}

// Figure notes what was measured. A name says its unit: latency_p95_ms.
func (r *Report) Figure(name string, value any) { r.Figures[name] = value }

// Target notes what was to be reached, and whether it was.
func (r *Report) Target(t Target) { r.Targets = append(r.Targets, t) }

// OK tells whether every target was reached.
func (r *Report) OK() bool {
	for _, t := range r.Targets {
		if !t.OK {
			return false
		}
	}
	return true
}

// Print writes the line. It fails for a figure that is no JSON, such as one that
// was divided by zero.
func (r *Report) Print(w io.Writer) error {
	line := json.NewEncoder(w)
	line.SetEscapeHTML(false) // ">=" is to be read
	if err := line.Encode(r); err != nil {
		return fmt.Errorf("write the report of %s: %w", r.Name, err)
	}
	return nil
}
