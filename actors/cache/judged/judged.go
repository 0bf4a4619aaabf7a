// Package judged learns, of each cached reply, how near in meaning another question
// has to be for the reply to serve it, from the verdicts of a judge who errs; and
// whether what is served by that keeps to a bound of errors. It is pure: it asks
// nobody, and knows no time.
//
//	judged.go   what is learnt of one reply (vCache, arXiv 2502.03771)
//	gate.go     whether all of them together may serve
//
// In vCache the chance that a reply is right for a question at the cosine s is a
// logistic function of s, with a place and a slope of the reply's own. Here both are
// unknowns on a grid: a handful of verdicts says little of one reply, so that what is
// known of the others is where each begins, and the threshold is where the chance,
// over all that is still possible, is high enough.
package judged

import (
	"math"
	"sort"
)

// Noise is how often the judge is wrong. Both are from 0 to 1.
type Noise struct {
	FalseYes float64 // of questions that a reply does not serve, at most
	FalseNo  float64 // of those that it does, at least
}

// The grid of what may be true of a reply: where half of the questions are served, the
// last for nowhere, and how steep it is there.
const (
	firstPlace = 0.40
	placeStep  = 0.025
	places     = 28
	slopes     = 4
	cells      = places * slopes
)

var slopeOf = [slopes]float64{10, 20, 40, 80}

// right is the chance that a reply is right at a cosine, if a cell is true.
func right(cell int, cosine float64) float64 {
	place := cell / slopes
	if place == places-1 {
		return 0
	}
	return 1 / (1 + math.Exp(-slopeOf[cell%slopes]*(cosine-firstPlace-placeStep*float64(place))))
}

// steps are the cosines, in hundredths, that thresholds are at.
const steps = 101

// rights is right of each cell at each step.
var rights = func() (table [steps][cells]float64) {
	for s := range table {
		for c := range table[s] {
			table[s][c] = right(c, float64(s)/(steps-1))
		}
	}
	return table
}()

func step(cosine float64) int {
	return int(min(max(cosine, 0), 1) * (steps - 1)) // down: never nearer than it is
}

// Lesson is what is known of one reply. Its zero value knows nothing.
type Lesson struct {
	likely    *[cells]float64 // of what was judged, if a cell is true; nil while nothing was
	counted   [cells]float64  // what the class has counted of it
	threshold float64
	of        int // the class's generation that the threshold is of
}

// Class is the replies whose lessons tell of each other. It is not safe for concurrent
// use, and its lessons are not either.
type Class struct {
	noise      Noise
	enough     float64 // chance of being right from which on a reply serves
	prior      [cells]float64
	sum        [cells]float64 // of what is known of all replies
	generation int
	verdicts   int
}

const (
	// modesty is how many replies' worth the beginning counts: all cells the same.
	modesty = 4
	// margin is what part of the bound the threshold allows: the rest is for what the
	// grid does not have.
	margin = 0.5
	// every so many verdicts the replies' beginning is made anew.
	renewEvery = 16
)

// NewClass returns a class in which at most a share of the served replies may be
// wrong.
func NewClass(bound float64, noise Noise) *Class {
	c := &Class{noise: noise, enough: 1 - margin*bound}
	for i := range c.prior {
		c.prior[i] = 1.0 / cells
	}
	return c
}

// Threshold is the cosine from which on a reply serves; above 1 where none is known.
func (c *Class) Threshold(l *Lesson) float64 {
	if l.likely == nil {
		return 2
	}
	if l.of != c.generation {
		l.threshold, l.of = c.threshold(l), c.generation
	}
	return l.threshold
}

// threshold is the lowest step from which on every step is likely enough to be right.
func (c *Class) threshold(l *Lesson) float64 {
	known := c.posterior(l)
	lowest := sort.Search(steps, func(s int) bool { // the chance of each cell rises with the cosine
		chance := 0.0
		for cell, p := range &known {
			chance += p * rights[s][cell]
		}
		return chance >= c.enough
	})
	return float64(lowest) / (steps - 1)
}

// posterior is how likely each cell is, after what was judged.
func (c *Class) posterior(l *Lesson) (known [cells]float64) {
	total := 0.0
	for cell := range known {
		known[cell] = c.prior[cell] * l.likely[cell]
		total += known[cell]
	}
	for cell := range known {
		known[cell] /= total
	}
	return known
}

// Learn takes a verdict in: whether the judge said that a reply serves a question at
// a cosine.
func (c *Class) Learn(l *Lesson, cosine float64, yes bool) {
	if l.likely == nil {
		l.likely = new([cells]float64)
		for cell := range l.likely {
			l.likely[cell] = 1
		}
	}
	chances, largest := &rights[step(cosine)], 0.0
	for cell := range l.likely {
		said := chances[cell]*(1-c.noise.FalseNo) + (1-chances[cell])*c.noise.FalseYes
		if !yes {
			said = 1 - said
		}
		l.likely[cell] *= max(said, 1e-9)
		largest = max(largest, l.likely[cell])
	}
	for cell := range l.likely { // only what they are to each other counts
		l.likely[cell] /= largest
	}
	c.count(l, c.posterior(l))
	l.threshold, l.of = c.threshold(l), c.generation
	if c.verdicts++; c.verdicts%renewEvery == 0 {
		c.renew()
	}
}

// Forget takes a reply out that is not kept any more.
func (c *Class) Forget(l *Lesson) {
	if l.likely == nil {
		return
	}
	c.count(l, [cells]float64{})
	l.likely = nil
}

// count has a reply stand for what is known of it now, and for nothing from before.
func (c *Class) count(l *Lesson, known [cells]float64) {
	for cell := range known {
		c.sum[cell] += known[cell] - l.counted[cell]
	}
	l.counted = known
}

// renew makes what is known of all replies where each begins.
func (c *Class) renew() {
	total := 0.0
	for cell := range c.prior {
		c.prior[cell] = modesty/float64(cells) + max(c.sum[cell], 0)
		total += c.prior[cell]
	}
	for cell := range c.prior {
		c.prior[cell] /= total
	}
	c.generation++
}
