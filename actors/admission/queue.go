package admission

import "example.com/parley/messages"

// queue holds the turns that wait, by class: the first class that has any is
// served first, and within a class the oldest. It is pure, and its caller
// bounds it.
type queue struct {
	classes [messages.Priorities]fifo
	length  int
}

func (q *queue) push(m *messages.StartTurn) {
	q.classes[m.Spec.Priority].push(m)
	q.length++
}

// pop returns nil when nobody waits.
func (q *queue) pop() *messages.StartTurn {
	for class := range q.classes {
		if m := q.classes[class].pop(); m != nil {
			q.length--
			return m
		}
	}
	return nil
}

// fifo is a slice that is read from the front. It gives its memory back when it
// runs empty, which under any load below the limit it does all the time.
type fifo struct {
	turns []*messages.StartTurn
	head  int
}

func (f *fifo) push(m *messages.StartTurn) {
	if f.head > len(f.turns)/2 {
		f.turns = append(f.turns[:0], f.turns[f.head:]...)
		f.head = 0
	}
	f.turns = append(f.turns, m)
}

func (f *fifo) pop() *messages.StartTurn {
	if f.head == len(f.turns) {
		return nil
	}
	m := f.turns[f.head]
	f.turns[f.head] = nil
	f.head++
	if f.head == len(f.turns) {
		f.turns, f.head = nil, 0
	}
	return m
}
