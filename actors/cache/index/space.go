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

// space is a list of points in parts, each twice as large as the one before up to a
// limit. Readers walk over what was published; the writer appends. All points of a
// part have as many dimensions: a server may begin to answer with others.
type space struct {
	parts atomic.Pointer[[]*part]
	held  int // entries; the writer's, as the next
	gone  int // slots whose entry was taken out
}

// part is a piece of a space. A slot below used never changes, but that its entry
// goes.
type part struct {
	used    atomic.Int32
	masks   []uint64
	entries []atomic.Pointer[Entry]
	scales  []float32
	values  []int8 // of all points, one after another
}

const (
	smallestPart = 4
	largestPart  = 4096
)

func newPart(size, dimensions int) *part {
	return &part{
		masks: make([]uint64, size), entries: make([]atomic.Pointer[Entry], size),
		scales: make([]float32, size), values: make([]int8, size*dimensions),
	}
}

// point is the values of a slot.
func (p *part) point(slot int) []int8 {
	dimensions := len(p.values) / len(p.scales)
	return p.values[slot*dimensions:][:dimensions]
}

// nearest scans the masks, and compares the few that are near.
func (s *space) nearest(to *Point, mask uint64, cut float32, accept func(*Entry) bool) (best *Entry, cosine float32) {
	parts := s.parts.Load()
	if parts == nil {
		return nil, 0
	}
	for _, p := range *parts {
		for i, m := range p.masks[:p.used.Load()] {
			if differ(m ^ mask) {
				continue
			}
			e := p.entries[i].Load()
			if e == nil || !accept(e) { // which costs less than the cosine
				continue
			}
			if c := to.cosine(p.point(i), p.scales[i]); c >= cut && (best == nil || c > cosine) {
				best, cosine = e, c
			}
		}
	}
	return best, cosine
}

// differ tells whether more than two bits are set. It takes off the lowest twice,
// which is faster than to count them.
func differ(bits uint64) bool {
	bits &= bits - 1
	return bits&(bits-1) != 0
}

func (s *space) add(e *Entry, at *Point, mask uint64) {
	p := s.last()
	if p == nil || int(p.used.Load()) == len(p.masks) || len(p.point(0)) != len(at.values) {
		p = s.extend(p, len(at.values))
	}
	slot := p.used.Load()
	p.masks[slot], p.scales[slot] = mask, at.scale
	copy(p.point(int(slot)), at.values)
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

func (s *space) extend(last *part, dimensions int) *part {
	size := smallestPart
	if last != nil {
		size = min(2*len(last.masks), largestPart)
	}
	p := newPart(size, dimensions)
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
				next.add(e, &Point{values: p.point(i), scale: p.scales[i]}, p.masks[i])
			}
		}
	}
	s.gone = 0
	s.parts.Store(next.parts.Load())
}
