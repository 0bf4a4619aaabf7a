package index

import (
	"sync"
	"sync/atomic"
)

// spaces holds a space for each set of entries whose questions may be compared.
type spaces struct {
	all sync.Map // uint64 -> *space
}

func (s *spaces) find(name uint64) *space {
	if found, ok := s.all.Load(name); ok {
		return found.(*space) //nolint:forcetypeassert // nothing else is stored
	}
	return nil
}

func (s *spaces) of(name uint64) *space {
	if found := s.find(name); found != nil {
		return found
	}
	made := new(space)
	s.all.Store(name, made)
	return made
}

// dropEmpty forgets a space without entries.
func (s *spaces) dropEmpty(name uint64) {
	if found := s.find(name); found != nil && found.held == 0 {
		s.all.Delete(name)
	}
}

// space is a list of vectors in parts, each twice as large as the one before up to
// a limit. Readers walk over what was published; the writer appends.
type space struct {
	parts atomic.Pointer[[]*part]
	held  int // entries; the writer's, as the next
	gone  int // slots whose entry was taken out
}

// part is a piece of a space. A slot below used never changes, but that its entry
// goes.
type part struct {
	used     atomic.Int32
	sketches []Sketch
	entries  []atomic.Pointer[Entry]
}

const (
	smallestPart = 4
	largestPart  = 4096
)

func newPart(size int) *part {
	return &part{sketches: make([]Sketch, size), entries: make([]atomic.Pointer[Entry], size)}
}

// nearest scans the sketches, and compares the vectors of the few that are near.
func (s *space) nearest(v *Vector, cut float32, accept func(*Entry) bool) (best *Entry, cosine float32) {
	parts := s.parts.Load()
	if parts == nil {
		return nil, 0
	}
	within, sketch := reach(cut), v.Sketch
	for _, p := range *parts {
		sketches := p.sketches[:p.used.Load()]
		for i := range sketches {
			if distance(&sketches[i], sketch[0], sketch[1], sketch[2], sketch[3]) > within {
				continue
			}
			e := p.entries[i].Load()
			if e == nil {
				continue
			}
			if c := e.Vector.Cosine(v); c >= cut && (best == nil || c > cosine) && accept(e) {
				best, cosine = e, c
			}
		}
	}
	return best, cosine
}

func (s *space) add(e *Entry) {
	p := s.last()
	if p == nil || int(p.used.Load()) == len(p.sketches) {
		p = s.extend(p)
	}
	slot := p.used.Load()
	p.sketches[slot] = e.Vector.Sketch
	p.entries[slot].Store(e)
	e.part, e.slot = p, slot
	p.used.Store(slot + 1)
	s.held++
}

func (s *space) last() *part {
	if parts := s.parts.Load(); parts != nil && len(*parts) > 0 {
		return (*parts)[len(*parts)-1]
	}
	return nil
}

func (s *space) extend(last *part) *part {
	size := smallestPart
	if last != nil {
		size = min(2*len(last.sketches), largestPart)
	}
	p := newPart(size)
	var parts []*part
	if before := s.parts.Load(); before != nil {
		parts = append(parts, *before...)
	}
	parts = append(parts, p)
	s.parts.Store(&parts)
	return p
}

// remove takes an entry out. When half of the slots are empty, the rest moves to
// parts of its own: a removal costs a constant time on average.
func (s *space) remove(e *Entry) {
	e.part.entries[e.slot].Store(nil)
	s.held--
	if s.gone++; s.gone > s.held && s.gone > smallestPart {
		s.compact()
	}
}

// compact builds the space anew and publishes it as a whole: who reads the one
// before finds the same entries there.
func (s *space) compact() {
	before := *s.parts.Load()
	var next space
	for _, p := range before {
		for i := range int(p.used.Load()) {
			if e := p.entries[i].Load(); e != nil {
				next.add(e)
			}
		}
	}
	s.gone = 0
	s.parts.Store(next.parts.Load())
}
