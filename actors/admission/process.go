package admission

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The runtime's own words for what is read of it.
const (
	delays      = "/sched/latencies:seconds"
	totalMemory = "/memory/classes/total:bytes"
	objects     = "/memory/classes/heap/objects:bytes"
	liveObjects = "/gc/heap/live:bytes"
	freeHeap    = "/memory/classes/heap/free:bytes"
	unusedHeap  = "/memory/classes/heap/unused:bytes"
	released    = "/memory/classes/heap/released:bytes"
)

// process reads what this process has to do. One goroutine uses it.
type process struct {
	samples []metrics.Sample
	allowed float64  // processors, by its container; 0 where none bounds it
	counts  []uint64 // of delays so far, by bucket
	spent   time.Duration
	at      time.Time
}

func newProcess(allowed float64) *process {
	p := &process{allowed: allowed, at: time.Now(), spent: processorTime()}
	for _, name := range []string{delays, totalMemory, objects, liveObjects, freeHeap, unusedHeap, released} {
		p.samples = append(p.samples, metrics.Sample{Name: name})
	}
	p.read()
	return p
}

// read returns what there was to do since the last reading.
func (p *process) read() (r reading) {
	metrics.Read(p.samples)
	r.delay = p.delay(p.samples[0].Value.Float64Histogram())
	r.memory = p.memory()
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		r.limit = limit
	}
	now, spent := time.Now(), processorTime()
	if elapsed := now.Sub(p.at); elapsed > 0 {
		r.busy = float64(spent-p.spent) / float64(elapsed) / p.processors()
	}
	p.at, p.spent = now, spent
	return r
}

// processors is how many the process can use. The runtime asks for two even where the
// container allows the time of half a one.
func (p *process) processors() float64 {
	all := float64(runtime.GOMAXPROCS(0))
	if p.allowed > 0 {
		return min(p.allowed, all)
	}
	return all
}

// memory is what the process holds and cannot give back: what lives in its heap, and
// all that is not heap. Garbage is left out, since a heap that nears its limit is
// collected.
func (p *process) memory() int64 {
	value := func(i int) int64 { return int64(p.samples[i].Value.Uint64()) } // #nosec G115 -- bytes of one process
	total, held, live := value(1), value(2), value(3)
	for i := 4; i < len(p.samples); i++ {
		total -= value(i)
	}
	return total - held + min(live, held)
}

// delay is the mean of the delays since the last reading, each taken for the lower
// end of its bucket: the upper one of the last is infinite.
func (p *process) delay(h *metrics.Float64Histogram) time.Duration {
	if p.counts == nil {
		p.counts = make([]uint64, len(h.Counts))
	}
	var n uint64
	var sum float64
	for i, count := range h.Counts {
		if more := count - p.counts[i]; more > 0 {
			n += more
			sum += float64(more) * max(h.Buckets[i], 0)
		}
	}
	copy(p.counts, h.Counts)
	if n == 0 {
		return 0
	}
	return time.Duration(sum / float64(n) * float64(time.Second))
}
