package router

import (
	"testing"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"kitten", "sitting", 3}, {"gpt4o", "gpt-4o", 1}, {"über", "uber", 1},
	} {
		if got := distance([]rune(tt.a), []rune(tt.b)); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	t.Parallel()
	word := rapid.Custom(func(t *rapid.T) []rune { return []rune(rapid.StringN(0, 12, -1).Draw(t, "word")) })
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		if ab, ba := distance(a, b), distance(b, a); ab != ba {
			t.Fatalf("%d one way, %d the other", ab, ba)
		}
		if distance(a, c) > distance(a, b)+distance(b, c) {
			t.Fatal("the way over b is shorter")
		}
		if (distance(a, b) == 0) != (string(a) == string(b)) {
			t.Fatal("zero for different words, or not for the same")
		}
	})
}

func TestNearestComeNearestFirst(t *testing.T) {
	t.Parallel()
	cards := []messages.ModelCard{{Name: "gpt-4.1"}, {Name: "gpt-4o"}, {Name: "gpt-4o-mini"}, {Name: "gpt-5"}, {Name: "o3"}}
	if got := nearest("gpt4o", cards); len(got) == 0 || got[0] != "gpt-4o" || len(got) > maxNearest {
		t.Errorf("got %v", got)
	}
}
