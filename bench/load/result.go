package load

import (
	"errors"
	"time"
)

// Result is what a run measured within its window.
type Result struct {
	Requests  int           // that were answered whole
	Failed    int           // all others
	Elapsed   time.Duration // of the window
	Latencies Latencies     // of those answered whole
	FirstFail error         // why the first of the others failed
	// Within is how many replies of an open load came whole within its window,
	// whenever they were due: of a server that is late, fewer than Requests.
	Within int
	// Statuses counts all replies by their status, those of the warm-up included; 0
	// stands for requests without a whole reply.
	Statuses map[int]int
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
	statuses  map[int]int
	within    int
}

// note counts a reply of the window or of the warm-up by its status.
func (t *tally) note(err error) {
	if t.statuses == nil {
		t.statuses = make(map[int]int)
	}
	status, refused := errors.AsType[StatusError](err)
	switch {
	case err == nil:
		t.statuses[200]++
	case refused:
		t.statuses[int(status)]++
	default:
		t.statuses[0]++
	}
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
	result := Result{Elapsed: elapsed, Statuses: make(map[int]int)}
	for i := range tallies {
		parts[i] = tallies[i].latencies
		result.Failed += tallies[i].failed
		result.Within += tallies[i].within
		for status, n := range tallies[i].statuses {
			result.Statuses[status] += n
		}
		if result.FirstFail == nil {
			result.FirstFail = tallies[i].first
		}
	}
	result.Latencies = Sorted(parts...)
	result.Requests = len(result.Latencies)
	return result
}
