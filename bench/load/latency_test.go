package load

import (
	"fmt"
	"testing"
	"time"
)

func TestQuantileIsOneThatWasMeasured(t *testing.T) {
	t.Parallel()
	hundred := make(Latencies, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, test := range []struct {
		name      string
		latencies Latencies
		q         float64
		want      time.Duration
	}{
		{"median of hundred", hundred, .5, 50},
		{"p95 of hundred", hundred, .95, 95},
		{"p99 of hundred", hundred, .99, 99},
		{"least", hundred, 0, 1},
		{"most", hundred, 1, 100},
		{"median of three", Latencies{1, 5, 9}, .5, 5},
		{"p99 of three is the last", Latencies{1, 5, 9}, .99, 9},
		{"one", Latencies{7}, .5, 7},
		{"none", nil, .5, 0},
	} {
		if got := test.latencies.Quantile(test.q); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestSortedJoinsAllParts(t *testing.T) {
	t.Parallel()
	got := Sorted([]time.Duration{3, 1}, nil, []time.Duration{2})
	if fmt.Sprint(got) != "[1ns 2ns 3ns]" {
		t.Errorf("got %v", got)
	}
}
