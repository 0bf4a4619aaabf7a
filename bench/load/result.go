package load

import "time"

// Result is what a run measured within its window.
type Result struct {
	Requests  int           // that were answered whole
	Failed    int           // all others
	Elapsed   time.Duration // of the window
	Latencies Latencies     // of those answered whole
	FirstFail error         // why the first of the others failed
}

// PerSecond is the throughput.
func (r *Result) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Requests) / r.Elapsed.Seconds()
}

// tally is one worker's part of a Result. Only that worker writes it.
type tally struct {
	latencies []time.Duration
	failed    int
	first     error
}

func (t *tally) count(took time.Duration, err error) {
	if err == nil {
		t.latencies = append(t.latencies, took)
		return
	}
	if t.failed++; t.first == nil {
		t.first = err
	}
}

func join(tallies []tally, elapsed time.Duration) Result {
	parts := make([][]time.Duration, len(tallies))
	result := Result{Elapsed: elapsed}
	for i := range tallies {
		parts[i] = tallies[i].latencies
		result.Failed += tallies[i].failed
		if result.FirstFail == nil {
			result.FirstFail = tallies[i].first
		}
	}
	result.Latencies = Sorted(parts...)
	result.Requests = len(result.Latencies)
	return result
}
