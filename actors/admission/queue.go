package admission

import "example.com/parley/messages"

// queue holds the turns that wait, by what they wait for and by class. The first
// class that has any is served first, and within a class the oldest, but for those
// whose providers are full. It is pure, and its caller bounds it.
type queue struct {
	lines  map[string]*line
	length int
	serial uint64
}

// line is the turns that wait for the same providers.
type line struct {
	name    string
	classes [messages.Priorities]fifo
}

// place is a turn with its number among all.
type place struct {
	turn   *messages.StartTurn
	serial uint64
}

// push returns how many are ahead of the turn in its line.
func (q *queue) push(name string, m *messages.StartTurn) (ahead int) {
	l, known := q.lines[name]
	if !known {
		if q.lines == nil {
			q.lines = make(map[string]*line)
		}
		l = &line{name: name}
		q.lines[name] = l
	}
	for class := range m.Spec.Priority + 1 {
		ahead += l.classes[class].length()
	}
	q.serial++
	q.length++
	l.classes[m.Spec.Priority].push(place{m, q.serial})
	return ahead
}

// oldest returns the line whose turn it is in a class, but for those that are
// left out; nil where there is none.
func (q *queue) oldest(class int, leftOut map[*line]bool) (next *line) {
	for _, l := range q.lines {
		first := l.classes[class].first()
		if first.turn != nil && !leftOut[l] && (next == nil || first.serial < next.classes[class].first().serial) {
			next = l
		}
	}
	return next
}

// pop takes the first turn of a class out of a line.
func (q *queue) pop(l *line, class int) *messages.StartTurn {
	q.length--
	m := l.classes[class].pop()
	q.tidy(l)
	return m
}

// remove takes out all for whom gone says so.
func (q *queue) remove(gone func(*messages.StartTurn) bool) {
	for _, l := range q.lines {
		for class := range l.classes {
			q.length -= l.classes[class].remove(gone)
		}
		q.tidy(l)
	}
}

// tidy forgets a line in which nobody waits.
func (q *queue) tidy(l *line) {
	for class := range l.classes {
		if l.classes[class].length() > 0 {
			return
		}
	}
	delete(q.lines, l.name)
}

// fifo is a slice that is read from the front. It gives its memory back when it
// runs empty, which under any load below the limit it does all the time.
type fifo struct {
	places []place
	head   int
}

func (f *fifo) length() int { return len(f.places) - f.head }

// first returns the zero place when nobody waits.
func (f *fifo) first() place {
	if f.length() == 0 {
		return place{}
	}
	return f.places[f.head]
}

func (f *fifo) push(p place) {
	if f.head > len(f.places)/2 {
		f.places = append(f.places[:0], f.places[f.head:]...)
		f.head = 0
	}
	f.places = append(f.places, p)
}

func (f *fifo) pop() *messages.StartTurn {
	m := f.places[f.head].turn
	f.places[f.head] = place{}
	f.head++
	if f.length() == 0 {
		f.places, f.head = nil, 0
	}
	return m
}

func (f *fifo) remove(gone func(*messages.StartTurn) bool) (removed int) {
	kept := f.places[:0]
	for _, p := range f.places[f.head:] {
		if gone(p.turn) {
			removed++
		} else {
			kept = append(kept, p)
		}
	}
	clear(f.places[len(kept):])
	f.places, f.head = kept, 0
	return removed
}
