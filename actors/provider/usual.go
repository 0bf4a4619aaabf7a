package provider

import (
	"math"
	"time"
)

// usual is how long first bytes take while there are few calls, by model: a large
// model is slow, and no sign of anything. Times are kept as logarithms of seconds,
// since they differ by factors.
type usual struct{ models map[string]*usualTime }

type usualTime struct {
	mean  float64
	calls float64
	heard time.Time // last
}

const (
	usualFor  = time.Minute // that a call counts
	maxModels = 256         // that are told apart; a client may ask for any name
	others    = ""          // the name of the rest
)

// prompt is how soon a first byte may come and no sooner counts: within so long it is
// the processors of this server, when they have much to do, that it waits for, and not
// a provider that has too much.
const prompt = 50 * time.Millisecond

// late says how much later than usual a call's first byte came, as a logarithm.
// Where quiet is set, few calls ran beside it and it counts towards what is usual.
// Of a model that was never heard, others' lateness tells what would be usual.
func (u *usual) late(o observation, lateness float64, now time.Time, quiet bool) float64 {
	took := math.Log(max(o.firstByte, prompt).Seconds())
	t := u.of(o.model)
	if t.calls == 0 {
		t.mean, t.calls, t.heard = took-math.Log(lateness), 1, now
	}
	late := took - t.mean
	if quiet {
		t.calls++
		t.mean += late * max(1/t.calls, min(1, now.Sub(t.heard).Seconds()/usualFor.Seconds()))
		t.heard = now
	}
	return late
}

// of returns the model's, or what the rest share.
func (u *usual) of(model string) *usualTime {
	if t, known := u.models[model]; known {
		return t
	}
	if len(u.models) >= maxModels {
		model = others
	}
	t, known := u.models[model]
	if !known {
		if u.models == nil {
			u.models = make(map[string]*usualTime)
		}
		t = &usualTime{}
		u.models[model] = t
	}
	return t
}

// shift has all models be as much later than before as is usual.
func (u *usual) shift(late float64) {
	for _, t := range u.models {
		t.mean += late
	}
}
