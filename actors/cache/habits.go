package cache

import (
	"sync"

	"example.com/parley/actors/cache/index"
)

const (
	mostHabits    = 10_000 // transcripts whose next questions are counted: some MB
	nextQuestions = 4      // that are counted of each
	longestNext   = 1024   // bytes of a question that is counted
	fewestTimes   = 3      // that a question has followed before it is the usual one
)

// habits counts which question follows a transcript, up to its last reply. It is
// safe for concurrent use.
type habits struct {
	mu  sync.Mutex
	all map[index.Key]*habit
}

type habit struct {
	times     int // that any question followed
	questions [nextQuestions]next
}

type next struct {
	text  string
	times int
}

// learn counts a question that followed a transcript. Where all places are taken it
// takes the rarest's, with its count: a usual question gets in this way, too (Metwally
// et al. 2005).
func (h *habits) learn(transcript index.Key, question string) {
	if len(question) > longestNext {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.all[transcript]
	if known == nil {
		known = new(habit)
		h.keep(transcript, known)
	}
	known.times++
	rarest := &known.questions[0]
	for i := range known.questions {
		q := &known.questions[i]
		if q.text == question {
			q.times++
			return
		}
		if q.times < rarest.times {
			rarest = q
		}
	}
	rarest.text = question
	rarest.times++
}

// keep adds a transcript, in the place of any other where there are too many.
func (h *habits) keep(transcript index.Key, known *habit) {
	if h.all == nil {
		h.all = make(map[index.Key]*habit)
	}
	for other := range h.all {
		if len(h.all) < mostHabits {
			break
		}
		delete(h.all, other)
	}
	h.all[transcript] = known
}

// usual is the question that followed a transcript in half of all cases, or more.
func (h *habits) usual(transcript index.Key) (question string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.all[transcript]
	if known == nil {
		return "", false
	}
	for _, q := range known.questions {
		if q.times >= fewestTimes && 2*q.times >= known.times {
			return q.text, true
		}
	}
	return "", false
}
