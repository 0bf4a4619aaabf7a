package admission

import "example.com/parley/messages"

// place is a turn with its number among all.
type place struct {
	turn   *messages.StartTurn
	serial uint64
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
	f.tidy()
	return m
}

// last returns the newest. Somebody waits.
func (f *fifo) last() place { return f.places[len(f.places)-1] }

// popLast takes the newest out. Somebody waits.
func (f *fifo) popLast() *messages.StartTurn {
	end := len(f.places) - 1
	m := f.places[end].turn
	f.places[end] = place{}
	f.places = f.places[:end]
	f.tidy()
	return m
}

func (f *fifo) tidy() {
	if f.length() == 0 {
		f.places, f.head = nil, 0
	}
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
	f.tidy()
	return removed
}
