package embed_test

import (
	"math"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"example.com/parley/actors/cache/embed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func embedders(t testing.TB) map[string]embed.Embedder {
	return map[string]embed.Embedder{"static": static(t), "hashed": embed.Hashed{}}
}

func TestVectorsHaveTheLengthOne(t *testing.T) {
	t.Parallel()
	for name, e := range embedders(t) {
		for _, text := range []string{"hello", "How do I get to Bern?", strings.Repeat("long ", 200_000), "日本", "a\xffb", strings.Repeat("x", 1<<20)} {
			v := vector(t, e, text)
			if len(v) == 0 {
				continue // nothing in it that the embedder knows
			}
			if len(v) != 256 {
				t.Fatalf("%s has %d dimensions, want 256", name, len(v))
			}
			if length := math.Sqrt(cosine(v, v)); math.Abs(length-1) > 1e-4 {
				t.Errorf("%s of %.10q has the length %v", name, text, length)
			}
		}
	}
}

func TestTextsWithNothingToGoByHaveNoVector(t *testing.T) {
	t.Parallel()
	for name, e := range embedders(t) {
		before := []float32{1, 2, 3}
		for _, text := range []string{"", "   ", "\x00\x01"} {
			v, err := e.Embed(t.Context(), before, text)
			if err != nil || len(v) != len(before) {
				t.Errorf("%s of %q: %d values, %v", name, text, len(v), err)
			}
		}
	}
}

func TestWhatMeansTheSameIsNearer(t *testing.T) {
	t.Parallel()
	for name, e := range embedders(t) {
		asked := vector(t, e, "How do I reset my password?")
		same := cosine(asked, vector(t, e, "how can i reset the password"))
		other := cosine(asked, vector(t, e, "What do penguins eat in winter?"))
		if same < 0.8 || other > 0.5 {
			t.Errorf("%s: the same has %.2f, another %.2f", name, same, other)
		}
	}
}

func TestCalibrationRisesWithTheThreshold(t *testing.T) {
	t.Parallel()
	for name, e := range embedders(t) {
		before := float32(-1)
		for threshold := 0.0; threshold <= 1; threshold += 0.01 {
			cut := e.Calibrate(threshold)
			if cut < before || cut > 1 {
				t.Errorf("%s: %.2f stands for the cosine %.3f, behind %.3f", name, threshold, cut, before)
			}
			before = cut
		}
		if e.Calibrate(1) < 0.999 || e.Calibrate(7) < 0.999 {
			t.Errorf("%s: 1 stands for the cosine %.3f", name, e.Calibrate(1))
		}
	}
}

func TestLocalEmbeddersAllocateNothing(t *testing.T) {
	room := make([]float32, 0, 256)
	for name, e := range embedders(t) {
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := e.Embed(t.Context(), room, "What is the best way to learn the piano as an adult?"); err != nil {
				t.Error(err)
			}
		})
		if allocs > 0 {
			t.Errorf("%s allocates %.0f times", name, allocs)
		}
	}
}

func BenchmarkStatic(b *testing.B) { benchmark(b, static(b)) }
func BenchmarkHashed(b *testing.B) { benchmark(b, embed.Hashed{}) }

func benchmark(b *testing.B, e embed.Embedder) {
	room := make([]float32, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Embed(b.Context(), room, "What is the best way to learn the piano as an adult?"); err != nil {
			b.Fatal(err)
		}
	}
}
