package judged

import "math"

// Gate lets replies serve by their thresholds while, of those that did or would have,
// the share that was wrong is below a bound with some certainty, whatever the truth
// about thresholds is. It is not safe for concurrent use.
type Gate struct {
	bound    float64
	noise    Noise
	said, no float64 // verdicts on what was above its threshold, of which the older count less
	open     bool
}

const (
	// certainty is how many standard deviations the bound is above the estimate: the
	// gate is looked at again and again, so more than the 1.64 of one look at 95 %.
	certainty = 2.33
	// memory is how many verdicts back half of the weight is.
	memory = 2000
	// fewest verdicts that open the gate.
	fewest = 100
)

// NewGate returns a gate that is closed.
func NewGate(bound float64, noise Noise) *Gate { return &Gate{bound: bound, noise: noise} }

// Open tells whether replies may serve.
func (g *Gate) Open() bool { return g.open }

// Judge takes in a verdict on a reply above its threshold, from before the verdict was
// learnt from.
func (g *Gate) Judge(yes bool) {
	const keep = 1 - math.Ln2/memory
	g.said, g.no = g.said*keep+1, g.no*keep
	if !yes {
		g.no++
	}
	_, highest := g.Estimate()
	g.open = g.said >= fewest && highest <= g.bound
}

// Estimate is the share of wrong replies among those above their thresholds, and what
// it is at most, both with the judge's own errors taken out (Wilson, 1927, for the
// interval; Rogan and Gladen, 1978, for the judge).
func (g *Gate) Estimate() (likely, highest float64) {
	if g.said == 0 {
		return 0, 1
	}
	n, p, z := g.said, g.no/g.said, certainty
	center := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return g.correct(p), g.correct(center + half)
}

func (g *Gate) correct(no float64) float64 {
	return min(max((no-g.noise.FalseNo)/(1-g.noise.FalseYes-g.noise.FalseNo), 0), 1)
}

// AuditShare is the part of what is served that is judged all the same, so that the
// gate closes when it has to.
const AuditShare = 0.1
