package actors

import (
	"strings"
	"time"

	"example.com/parley/actors/admission"
	"example.com/parley/actors/provider"
	"example.com/parley/actors/router"
)

// capacity tells the gate how many more calls the providers of a model take.
type capacity struct {
	router    *router.Router
	providers *provider.Providers
}

// NewCapacity returns what the gate knows of router and providers.
func NewCapacity(r *router.Router, p *provider.Providers) admission.Capacity {
	return capacity{router: r, providers: p}
}

// Floor implements admission.Capacity.
func (c capacity) Floor() int64 { return c.providers.Floor() }

// Watch implements admission.Capacity.
func (c capacity) Watch(f func()) { c.providers.Watch(f) }

// Claim implements admission.Capacity.
func (c capacity) Claim(model string) (release func(), ok bool) {
	full := false
	for _, target := range c.router.Targets(model) {
		release, room := c.providers.Claim(target)
		if room == provider.RoomClaimed {
			return release, true
		}
		full = full || room == provider.RoomFull
	}
	return nil, !full
}

// Line implements admission.Capacity. Its name is that of the providers; a call
// takes its place for as long as at the mean of them.
func (c capacity) Line(model string) (line admission.Line) {
	targets := c.router.Targets(model)
	names := make([]string, 0, len(targets))
	var busy time.Duration
	for _, target := range targets {
		names = append(names, target.Provider)
		places, each := c.providers.Pace(target.Provider)
		line.Places += places
		busy += each
	}
	if len(names) > 0 {
		line.Name, line.Each = strings.Join(names, " "), busy/time.Duration(len(names))
	}
	return line
}
