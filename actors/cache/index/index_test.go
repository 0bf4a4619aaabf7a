package index_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

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

func point(t testing.TB, v []float32) *index.Point {
	t.Helper()
	p, ok := index.NewPoint(v)
	if !ok {
		t.Fatal("a vector was refused")
	}
	return p
}

func entry(t testing.TB, rng *rand.Rand, number uint64, v []float32) *placed {
	t.Helper()
	e := &index.Entry{Space: number % 3, Same: number%50 + 1, Strict: number%20 + 1}
	for i := range 8 {
		e.Key[i] = byte(number >> (8 * i))
		e.Key[8+i] = byte(rng.Uint64())
	}
	return &placed{Entry: e, at: point(t, v)}
}

// placed is an entry, and where its question is.
type placed struct {
	*index.Entry
	at *index.Point
}

func anything(*index.Entry) bool { return true }

// TestIndexIsAsOneThatLooksAtAll compares it with a list, over thousands of
// changes.
func TestIndexIsAsOneThatLooksAtAll(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var x index.Index
	var all []*placed
	for step := range uint64(6000) {
		if len(all) > 0 && rng.IntN(5) < 2 {
			i := rng.IntN(len(all))
			x.Remove(all[i].Entry)
			all[i] = all[len(all)-1]
			all = all[:len(all)-1]
		} else {
			e := entry(t, rng, step, random(rng, 32))
			if x.Exact(&e.Key) != nil {
				t.Fatal("a new key is there already")
			}
			x.Add(e.Entry, e.at)
			if x.Named("", e.Key.Hash()) != e.Entry || x.Named("other", e.Key.Hash()) != nil {
				t.Fatal("an entry is not found by the hash of its key, or by another tenant")
			}
			all = append(all, e)
		}
		if step%97 == 0 {
			compare(t, rng, &x, all)
		}
	}
	for _, e := range all {
		x.Remove(e.Entry)
	}
	compare(t, rng, &x, nil)
}

func compare(t *testing.T, rng *rand.Rand, x *index.Index, all []*placed) {
	t.Helper()
	if x.Len() != len(all) {
		t.Fatalf("%d entries, want %d", x.Len(), len(all))
	}
	for _, e := range all {
		if x.Exact(&e.Key) != e.Entry {
			t.Fatal("a key is not found")
		}
	}
	for space := range uint64(4) {
		for signature := range uint64(52) {
			same, strict := false, false
			for _, e := range all {
				same = same || e.Space == space && e.Same == signature && signature != 0
				strict = strict || e.Space == space && e.Strict == signature && signature != 0
			}
			if got := x.Same(space, signature); (got != nil) != same || got != nil && (got.Space != space || got.Same != signature) {
				t.Fatalf("same %d in %d: found %v, want %t", signature, space, got, same)
			}
			if got := x.Strict(space, signature); (got != nil) != strict || got != nil && (got.Space != space || got.Strict != signature) {
				t.Fatalf("strict %d in %d: found %v, want %t", signature, space, got, strict)
			}
		}
	}
	v := point(t, random(rng, 32))
	var want *index.Entry
	var most float32 = -2
	for _, e := range all {
		if c := v.Cosine(e.at); e.Space == 1 && c > most {
			want, most = e.Entry, c
		}
	}
	if got, c := x.Nearest(1, v, 0, -1, anything); got != want || want != nil && c != most {
		t.Fatalf("nearest has %.3f, want %.3f", c, most)
	}
}

func TestNearestFindsWhatIsNear(t *testing.T) {
	t.Parallel()
	for _, dimensions := range []int{64, 256, 384, 1536} {
		t.Run(fmt.Sprint(dimensions), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(3, uint64(dimensions)))
			var x index.Index
			originals := make([][]float32, 500)
			entries := make([]*placed, len(originals))
			for i := range originals {
				originals[i] = random(rng, dimensions)
				entries[i] = entry(t, rng, uint64(3*i), originals[i])
				x.Add(entries[i].Entry, entries[i].at)
			}
			missed := 0
			for i, v := range originals {
				query := point(t, near(rng, v, 0.88))
				if query.Cosine(entries[i].at) < 0.85 {
					continue
				}
				if got, _ := x.Nearest(0, query, 0, 0.85, anything); got != entries[i].Entry {
					missed++
				}
			}
			if missed > 0 {
				t.Errorf("missed %d of %d", missed, len(originals))
			}
		})
	}
}

func TestNearestAsksBeforeItAnswers(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	var x index.Index
	v := random(rng, 256)
	best, second := entry(t, rng, 0, v), entry(t, rng, 3, near(rng, v, 0.97))
	x.Add(best.Entry, best.at)
	x.Add(second.Entry, second.at)
	query := point(t, v)
	if got, _ := x.Nearest(0, query, 0, 0.9, func(e *index.Entry) bool { return e != best.Entry }); got != second.Entry {
		t.Errorf("got %v, want the second", got)
	}
	if got, _ := x.Nearest(0, query, 0, 0.999, func(e *index.Entry) bool { return e != best.Entry }); got != nil {
		t.Error("an entry below the cut was found")
	}
	x.Remove(best.Entry)
	best.Loose = []question.Word{{Form: 1}, {Form: 2}, {Form: 3}}
	x.Add(best.Entry, best.at)
	one, two := question.Mask([]question.Word{{Form: 1}, {Form: 2}, {Form: 9}}), question.Mask([]question.Word{{Form: 1}, {Form: 8}, {Form: 9}})
	for mask, want := range map[uint64]bool{question.Mask(best.Loose): true, one: true, two: false} {
		if got, _ := x.Nearest(0, query, mask, 0.99, anything); (got == best.Entry) != want {
			t.Errorf("with the mask %b it is found: %t", mask, !want)
		}
	}
	if got, _ := x.Nearest(7, query, 0, 0, anything); got != nil {
		t.Error("another space's entry was found")
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
	entries := make([]*placed, 2000)
	for i := range entries {
		entries[i] = entry(t, rng, uint64(i), random(rng, 64))
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
				if got := x.Exact(&e.Key); got != nil && got != e.Entry {
					t.Error("another key's entry was found")
				}
				if got := x.Same(e.Space, e.Same); got != nil && got.Same != e.Same {
					t.Error("another signature's entry was found")
				}
				if got, c := x.Nearest(e.Space, e.at, 0, 0.99, anything); got != nil && (got.Space != e.Space || c < 0.99) {
					t.Error("a wrong entry was near")
				}
			}
		})
	}
	for round := range 3 {
		for _, e := range entries {
			x.Add(e.Entry, e.at)
		}
		for i, e := range entries {
			if (i+round)%10 != 0 {
				x.Remove(e.Entry)
			}
		}
		for i, e := range entries {
			if (i+round)%10 == 0 {
				x.Remove(e.Entry)
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
				x.Nearest(0, entries[i%len(entries)].at, question.Mask(entries[i%len(entries)].Loose), 0.85, anything)
			}
		})
	}
}

func filled(b *testing.B, n int) (*index.Index, []*placed) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, entries := new(index.Index), make([]*placed, n)
	for i := range entries {
		entries[i] = entry(b, rng, uint64(3*i), random(rng, 256))
		for range 8 {
			entries[i].Loose = append(entries[i].Loose, question.Word{Form: rng.Uint32()})
		}
		x.Add(entries[i].Entry, entries[i].at)
	}
	return x, entries
}
