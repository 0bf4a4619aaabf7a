package index_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"unique"

	"go.uber.org/goleak"

	"example.com/parley/actors/cache/index"
	"example.com/parley/actors/cache/question"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func random(rng *rand.Rand, dimensions int) []float32 {
	v := make([]float32, dimensions)
	var sum float64
	for i := range v {
		x := rng.NormFloat64()
		v[i] = float32(x)
		sum += x * x
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

// near is a vector of about the cosine to v.
func near(rng *rand.Rand, v []float32, cosine float64) []float32 {
	other, sum := random(rng, len(v)), 0.0
	for i := range v {
		other[i] = float32(cosine)*v[i] + float32(math.Sqrt(1-cosine*cosine))*other[i]
		sum += float64(other[i]) * float64(other[i])
	}
	for i := range other {
		other[i] /= float32(math.Sqrt(sum))
	}
	return other
}

func point(t testing.TB, v []float32) index.Point {
	t.Helper()
	p, ok := index.NewPoint(v)
	if !ok {
		t.Fatal("a vector was refused")
	}
	return p
}

// entry is one of few words, so that many are alike.
func entry(t testing.TB, rng *rand.Rand, number uint64) *index.Entry {
	t.Helper()
	e := &index.Entry{Space: number % 3, Strict: number%20 + 1, Loose: sentence(rng), At: point(t, random(rng, 32))}
	if e.Same = question.Forms(e.Loose); len(e.Loose) == 0 { // the same words are loosely the same
		e.Same = number%50 + 100
	}
	for i := range 8 {
		e.Key[i] = byte(number >> (8 * i))
		e.Key[8+i] = byte(rng.Uint64())
	}
	return e
}

// sentence is of words that are mistyped and have endings at times.
func sentence(rng *rand.Rand) []question.Word {
	words := make([]question.Word, rng.IntN(8))
	for i := range words {
		word := uint32(rng.IntN(2))
		w := question.Word{Form: 10 * word, Letters: uint16(word + 1), Root: uint16(word + 1)}
		switch rng.IntN(8) {
		case 0:
			w.Form, w.Root = w.Form+1, w.Root+10 // mistyped: the letters stay
		case 1:
			w.Form, w.Letters = w.Form+2, w.Letters+10
		case 2:
			w = question.Word{Form: 5} // a word that steers
		}
		words[i] = w
	}
	return words
}

func anything(*index.Entry) bool { return true }

// TestIndexIsAsOneThatLooksAtAll compares it with a list, over thousands of
// changes.
func TestIndexIsAsOneThatLooksAtAll(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var x index.Index
	var all []*index.Entry
	for step := range uint64(6000) {
		if len(all) > 0 && rng.IntN(5) < 2 {
			i := rng.IntN(len(all))
			x.Remove(all[i])
			all[i] = all[len(all)-1]
			all = all[:len(all)-1]
		} else {
			e := entry(t, rng, step)
			if x.Exact(&e.Key) != nil {
				t.Fatal("a new key is there already")
			}
			x.Add(e)
			all = append(all, e)
		}
		if step%97 == 0 {
			compare(t, rng, &x, all)
		}
	}
	for _, e := range all {
		x.Remove(e)
	}
	compare(t, rng, &x, nil)
}

func compare(t *testing.T, rng *rand.Rand, x *index.Index, all []*index.Entry) {
	t.Helper()
	if x.Len() != len(all) {
		t.Fatalf("%d entries, want %d", x.Len(), len(all))
	}
	for _, e := range all {
		if x.Exact(&e.Key) != e {
			t.Fatal("a key is not found")
		}
	}
	for number := range uint64(60) {
		like := entry(t, rng, number)
		space, q := number%4, question.Question{Same: like.Same, Strict: number % 22, Loose: like.Loose}
		same, strict, alike := false, false, 0
		for _, e := range all {
			same = same || e.Space == space && e.Same == q.Same
			strict = strict || e.Space == space && e.Strict == q.Strict && q.Strict != 0
			if e.Space == space && question.SameLoosely(q.Loose, e.Loose) {
				alike++
			}
		}
		if got := x.Same(space, &q); (got != nil) != same || got != nil && (got.Space != space || got.Same != q.Same) {
			t.Fatalf("same %d in %d: found %v, want %t", q.Same, space, got, same)
		}
		if got := x.Strict(space, &q); (got != nil) != strict || got != nil && (got.Space != space || got.Strict != q.Strict) {
			t.Fatalf("strict %d in %d: found %v, want %t", q.Strict, space, got, strict)
		}
		asked := 0
		x.Alike(space, q.Loose, func(e *index.Entry) bool {
			if asked++; e.Space != space || !question.SameLoosely(q.Loose, e.Loose) {
				t.Fatal("what is not alike was found")
			}
			return true
		})
		if want := min(alike, 8); asked != want {
			t.Fatalf("%d are alike, want %d", asked, want)
		}
	}
}

// TestLettersOfManyMakeNobodyWait: words with the same letters are easily made up, and
// would otherwise be looked through one by one.
func TestLettersOfManyMakeNobodyWait(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 4))
	var x index.Index
	entries := make([]*index.Entry, 3000)
	for i := range entries {
		entries[i] = entry(t, rng, uint64(i))
		entries[i].Space, entries[i].Loose = 0, make([]question.Word, 6)
		for w := range entries[i].Loose {
			entries[i].Loose[w] = question.Word{Form: rng.Uint32(), Letters: 1, Root: 1}
		}
		x.Add(entries[i])
	}
	asked := 0
	for _, e := range entries {
		alike := x.Alike(0, e.Loose, func(*index.Entry) bool { asked++; return true })
		if got, _ := alike.Nearest(e.At, 0.99); got != e {
			t.Fatal("an entry is not found by its own words")
		}
	}
	if asked != len(entries) {
		t.Errorf("%d were looked at closely, want %d", asked, len(entries))
	}
	for _, e := range entries {
		x.Remove(e)
	}
	compare(t, rng, &x, nil)
}

func TestNearestIsAmongThoseThatAreAlike(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	for _, dimensions := range []int{64, 256, 384, 1536} {
		var x index.Index
		v := random(rng, dimensions)
		words := []question.Word{{Form: 1}, {Form: 2}, {Form: 3, Letters: 3}, {Form: 4}, {Form: 5}}
		slip := slices.Clone(words)
		slip[2].Form = 30
		best, second, blind := entry(t, rng, 0), entry(t, rng, 3), entry(t, rng, 6)
		best.Loose, best.At = slip, point(t, near(rng, v, 0.99))
		second.Loose, second.At = words, point(t, near(rng, v, 0.95))
		blind.Loose, blind.At = words, index.Point{}
		for _, e := range []*index.Entry{best, second, blind} {
			x.Add(e)
		}
		query := point(t, v)
		nearest := func(space uint64, words []question.Word, cut float32, accept func(*index.Entry) bool) *index.Entry {
			alike := x.Alike(space, words, accept)
			got, cosine := alike.Nearest(query, cut)
			if got != nil && cosine < cut {
				t.Errorf("a cosine of %.3f was near", cosine)
			}
			return got
		}
		notBest := func(e *index.Entry) bool { return e != best }
		for name, tt := range map[string]struct{ got, want *index.Entry }{
			"among all":                {nearest(0, words, 0.9, anything), best},
			"but for the best":         {nearest(0, words, 0.9, notBest), second},
			"above a cut":              {nearest(0, words, 0.98, notBest), nil},
			"in another space":         {nearest(7, words, 0, anything), nil},
			"of other words":           {nearest(0, words[1:], -1, anything), nil},
			"of none":                  {nearest(0, nil, -1, anything), nil},
			"of a vector, not without": {nearest(0, words, -1, func(e *index.Entry) bool { return e == blind }), nil},
		} {
			if tt.got != tt.want {
				t.Errorf("%s, with %d dimensions: got %v, want %v", name, dimensions, tt.got, tt.want)
			}
		}
	}
}

func TestNamedIsTheTenantsOwn(t *testing.T) {
	t.Parallel()
	var x index.Index
	e := entry(t, rand.New(rand.NewPCG(1, 1)), 1)
	e.Tenant = unique.Make("acme")
	x.Add(e)
	if x.Named("acme", e.Key.Hash()) != e || x.Named("other", e.Key.Hash()) != nil || x.Named("acme", 7) != nil {
		t.Error("an entry is not found by the hash of its key, or by another tenant")
	}
}

func TestVectorsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	nan := float32(math.NaN())
	for name, v := range map[string][]float32{
		"empty": nil, "zero": make([]float32, 256), "NaN": {0, nan, 1}, "NaN first": {nan, 1}, "infinite": {1, float32(math.Inf(1))},
	} {
		if _, ok := index.NewPoint(v); ok {
			t.Errorf("%s was taken", name)
		}
	}
	a, b := point(t, []float32{1, 0}), point(t, []float32{1, 0, 0})
	if a.Cosine(b) != 0 {
		t.Error("vectors of two lengths have a cosine")
	}
}

// TestReadersNeedNoLock is for the race detector.
func TestReadersNeedNoLock(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7))
	var x index.Index
	entries := make([]*index.Entry, 2000)
	for i := range entries {
		entries[i] = entry(t, rng, uint64(i))
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for r := range 3 {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(9, uint64(r)))
			for {
				select {
				case <-done:
					return
				default:
				}
				e := entries[rng.IntN(len(entries))]
				if got := x.Exact(&e.Key); got != nil && got != e {
					t.Error("another key's entry was found")
				}
				if got := x.Same(e.Space, &question.Question{Same: e.Same, Loose: e.Loose}); got != nil && got.Same != e.Same {
					t.Error("another signature's entry was found")
				}
				alike := x.Alike(e.Space, e.Loose, anything)
				if got, c := alike.Nearest(e.At, 0.99); got != nil && (got.Space != e.Space || c < 0.99) {
					t.Error("a wrong entry was near")
				}
			}
		})
	}
	for round := range 3 {
		for _, e := range entries {
			x.Add(e)
		}
		for i, e := range entries {
			if (i+round)%10 != 0 {
				x.Remove(e)
			}
		}
		for i, e := range entries {
			if (i+round)%10 == 0 {
				x.Remove(e)
			}
		}
	}
	close(done)
	readers.Wait()
}

func BenchmarkExact(b *testing.B) {
	x, entries := filled(b, 10_000)
	for i := 0; b.Loop(); i++ {
		if x.Exact(&entries[i%len(entries)].Key) == nil {
			b.Fatal("missed")
		}
	}
}

func BenchmarkNearest(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x, entries := filled(b, n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				e := entries[i%len(entries)]
				alike := x.Alike(0, e.Loose, anything)
				if got, _ := alike.Nearest(e.At, 0.85); got != e {
					b.Fatal("missed")
				}
			}
		})
	}
}

func filled(b *testing.B, n int) (*index.Index, []*index.Entry) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, entries := new(index.Index), make([]*index.Entry, n)
	for i := range entries {
		entries[i] = entry(b, rng, uint64(3*i))
		entries[i].Loose, entries[i].At = nil, point(b, random(rng, 256))
		for range 8 {
			entries[i].Loose = append(entries[i].Loose, question.Word{Form: rng.Uint32(), Letters: uint16(rng.Uint32())})
		}
		x.Add(entries[i])
	}
	return x, entries
}

func TestPointInLentRoomIsTheSameUntilItIsGivenBack(t *testing.T) {
	t.Parallel()
	v := []float32{0.6, -0.8, 0, 0}
	want, _ := index.NewPoint(v)
	room := make([]byte, len(v))
	lent, ok := index.PointIn(room, v)
	if !ok || lent != want {
		t.Fatalf("in lent room the point is %v, want %v", lent, want)
	}
	kept := lent.Clone()
	clear(room)
	if kept != want {
		t.Errorf("once the room was used again the kept point is %v, want %v", kept, want)
	}
	if _, ok := index.PointIn(room[:3], v); ok {
		t.Error("a point was made in room that is too small for it")
	}
}
