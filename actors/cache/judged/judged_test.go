package judged_test

import (
	"testing"

	"example.com/parley/actors/cache/judged"
)

func TestThresholdFollowsTheVerdicts(t *testing.T) {
	t.Parallel()
	c := judged.NewClass(0.1, judged.Noise{FalseYes: 0.05, FalseNo: 0.05})
	var l judged.Lesson
	if c.Threshold(&l) <= 1 {
		t.Fatal("a reply serves of which nothing is known")
	}
	for range 60 {
		c.Learn(&l, 0.9, true)
		c.Learn(&l, 0.6, false)
	}
	between := c.Threshold(&l)
	if between <= 0.6 || between > 0.9 {
		t.Errorf("the threshold is %.2f", between)
	}
	for range 60 {
		c.Learn(&l, 0.95, false)
	}
	if after := c.Threshold(&l); after <= 0.95 {
		t.Errorf("after it was wrong it is %.2f", after)
	}
	c.Forget(&l)
	if c.Threshold(&l) <= 1 {
		t.Error("what was forgotten serves")
	}
}

func TestWhatIsKnownOfOthersHelps(t *testing.T) {
	t.Parallel()
	c := judged.NewClass(0.1, judged.Noise{})
	verdicts := func(l *judged.Lesson) (n int) {
		for ; c.Threshold(l) > 0.9 && n < 1000; n++ {
			c.Learn(l, 0.9, true)
			c.Learn(l, 0.6, false)
		}
		return n
	}
	lessons := make([]judged.Lesson, 40)
	first := verdicts(&lessons[0])
	last := first
	for i := range lessons[1:] {
		last = verdicts(&lessons[i+1])
	}
	if last >= first || first == 1000 {
		t.Errorf("the first took %d verdicts, the last %d", first, last)
	}
}

func TestGateOpensAndCloses(t *testing.T) {
	t.Parallel()
	g := judged.NewGate(0.05, judged.Noise{FalseNo: 0.01})
	if _, highest := g.Estimate(); g.Open() || highest != 1 {
		t.Error("it is open before anybody said a word")
	}
	n := 0
	for ; !g.Open() && n < 10_000; n++ {
		g.Judge(n%200 != 199)
	}
	likely, highest := g.Estimate()
	if n < 100 || n == 10_000 || likely > highest || highest > 0.05 {
		t.Errorf("open after %d: %.4f, at most %.4f", n, likely, highest)
	}
	for n = 0; g.Open() && n < 1000; n++ {
		g.Judge(false)
	}
	if n == 1000 {
		t.Error("it stays open whatever is said")
	}
}
