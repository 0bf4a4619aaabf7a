package admission

import "time"

// Capacity tells how many more calls the providers take. It is asked for every
// turn, and is safe for concurrent use. actors joins it to router and providers.
type Capacity interface {
	// Floor is a number of calls at once that no provider minds, whatever they
	// are for: while fewer turns run nobody has to ask further. It is one
	// atomic read.
	Floor() int64
	// Line says what turns of a model wait for. Those that wait for the same
	// providers wait in one line.
	Line(model string) Line
	// Claim holds a place for the turn's first call, at the first of the
	// model's providers that has one. It is given back with release, which may
	// be nil and is called once. Where all are full ok is false; where nothing
	// can be waited for, since nobody knows the model or all its providers
	// refuse calls, it is true, and the turn finds out by itself.
	Claim(model string) (release func(), ok bool)
	// Watch has f called whenever a call has ended or a limit has grown. It
	// must not block.
	Watch(f func())
}

// Line is a set of providers for whose places turns wait in order.
type Line struct {
	Name   string
	Places int64         // calls at once
	Each   time.Duration // that a call takes its place; zero while that is not known
}

// wait is how long a turn with so many ahead of it is expected to wait.
func (l Line) wait(ahead int) time.Duration {
	return time.Duration(float64(l.Each) * float64(ahead+1) / float64(max(l.Places, 1)))
}

// unlimited is the capacity where nobody knows of any limit.
type unlimited struct{ most int64 }

func (u unlimited) Floor() int64              { return u.most }
func (unlimited) Line(string) Line            { return Line{} }
func (unlimited) Claim(string) (func(), bool) { return nil, true }
func (unlimited) Watch(func())                {}
