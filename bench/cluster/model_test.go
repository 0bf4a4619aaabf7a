package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

func wrote(token int, o outcome, called, ended time.Duration) operation {
	return operation{write: true, token: token, outcome: o, client: token, called: called, ended: ended}
}

func saw(called, ended time.Duration, tokens ...int) operation {
	return operation{seen: tokens, called: called, ended: ended}
}

func TestHistoriesThatAListExplains(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		history []operation
		want    porcupine.CheckResult
	}{
		"one after the other":                     {[]operation{wrote(1, told, 1, 2), wrote(2, told, 3, 4), saw(5, 6, 1, 2)}, porcupine.Ok},
		"at once, in either order":                {[]operation{wrote(1, told, 1, 5), wrote(2, told, 2, 4), saw(6, 7, 2, 1)}, porcupine.Ok},
		"in an order that their times forbid":     {[]operation{wrote(1, told, 1, 2), wrote(2, told, 3, 4), saw(5, 6, 2, 1)}, porcupine.Illegal},
		"what was acknowledged is lost":           {[]operation{wrote(1, told, 1, 2), saw(3, 4)}, porcupine.Illegal},
		"what was acknowledged is there twice":    {[]operation{wrote(1, told, 1, 2), saw(3, 4, 1, 1)}, porcupine.Illegal},
		"nobody answered, and it is there":        {[]operation{wrote(1, unknown, 1, 2), saw(3, 4, 1)}, porcupine.Ok},
		"nobody answered, and it is not there":    {[]operation{wrote(1, unknown, 1, 2), saw(3, 4)}, porcupine.Ok},
		"nobody answered, and it comes late":      {[]operation{wrote(1, unknown, 1, 2), saw(3, 4), saw(5, 6, 1)}, porcupine.Ok},
		"nobody answered, and it comes and goes":  {[]operation{wrote(1, unknown, 1, 2), saw(3, 4, 1), saw(5, 6)}, porcupine.Illegal},
		"declined, and there after all":           {[]operation{wrote(1, declined, 1, 2), saw(3, 4, 1)}, porcupine.Illegal},
		"a reader sees less than one before it":   {[]operation{wrote(1, told, 1, 9), saw(2, 3, 1), saw(4, 5)}, porcupine.Illegal},
		"two readers see two futures, as a fork":  {[]operation{wrote(1, told, 1, 9), wrote(2, told, 1, 9), saw(2, 3, 1), saw(4, 5, 2, 1)}, porcupine.Illegal},
		"something is there that nobody has sent": {[]operation{saw(1, 2, 7)}, porcupine.Illegal},
	} {
		if got := isPossible(test.history); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestPlanHasEachKindAsOftenAsAnyOther(t *testing.T) {
	t.Parallel()
	o := options{faults: 30}
	count := make(map[string]int)
	for _, f := range plan(&o, newNetwork("x-", nil), rand.New(rand.NewPCG(1, 1))) {
		count[f.name]++
	}
	for _, f := range faults() {
		want := 3
		if f.named {
			want = 0
		}
		if count[f.name] != want {
			t.Errorf("%d of %s, want %d", count[f.name], f.name, want)
		}
	}
	o.only.Names = []string{movePart}
	if moves := plan(&o, newNetwork("x-", nil), rand.New(rand.NewPCG(1, 1))); len(moves) != o.faults || moves[0].name != movePart {
		t.Errorf("%d faults are planned where %s is named", len(moves), movePart)
	}
	o.only.Names = nil
	for _, f := range plan(&o, newNetwork("", nil), rand.New(rand.NewPCG(1, 1))) {
		if f.cuts {
			t.Errorf("%s is planned where nothing can be cut", f.name)
		}
	}
}
