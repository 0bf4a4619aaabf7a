package admission

import (
	"slices"

	"example.com/parley/messages"
)

// queue holds the turns that wait, by what they wait for, by class and by tenant.
// The first class that has any is served first, within a class tenants share what
// there is (share), and each tenant's oldest goes first, but for those whose
// providers are full. It is pure, and its caller bounds it.
type queue struct {
	lines   map[string]*line
	classes [messages.Priorities]share
	passed  [messages.Priorities]int // places that went to higher classes while somebody of the class waited
	length  int
	serial  uint64
}

// line is the turns that wait for the same providers.
type line struct {
	name    string
	classes [messages.Priorities]flows
	length  int
}

// flows are those of a line and class: in a list, which is read for every place,
// and by tenant. None is empty.
type flows struct {
	all []*flow
	of  map[messages.TenantID]*flow
}

func (s *flows) add(f *flow) {
	if s.of == nil {
		s.of = make(map[messages.TenantID]*flow)
	}
	f.index = len(s.all)
	s.all = append(s.all, f)
	s.of[f.account.tenant] = f
}

func (s *flows) remove(f *flow) {
	end := len(s.all) - 1
	s.all[f.index] = s.all[end]
	s.all[f.index].index = f.index
	s.all[end] = nil
	s.all = s.all[:end]
	delete(s.of, f.account.tenant)
}

// patience is how many places in a row may go to higher classes while somebody of
// a lower one waits. The next is theirs: of a flood of higher classes each lower
// one gets an eighteenth or more, so that it goes on and nobody notices.
const patience = 16

// push puts a turn behind those of its tenant.
func (q *queue) push(name string, m *messages.StartTurn) *line {
	l, known := q.lines[name]
	if !known {
		if q.lines == nil {
			q.lines = make(map[string]*line)
		}
		l = &line{name: name}
		q.lines[name] = l
	}
	f := q.flow(l, m)
	q.serial++
	q.length++
	l.length++
	q.classes[f.class].comes(f.account)
	f.push(place{m, q.serial})
	return l
}

// flow returns those of the turn's tenant that wait with it.
func (q *queue) flow(l *line, m *messages.StartTurn) *flow {
	class := int(m.Spec.Priority)
	account := q.classes[class].account(m)
	f := l.classes[class].of[account.tenant]
	if f == nil {
		f = &flow{line: l, class: class, account: account, since: q.classes[class].clock}
		l.classes[class].add(f)
	}
	return f
}

// leftOut is whom there is no room for. The zero value leaves out nobody.
type leftOut struct {
	lines   map[*line]bool
	tenants map[messages.TenantID]bool
}

func (o *leftOut) line(l *line) {
	if o.lines == nil {
		o.lines = make(map[*line]bool)
	}
	o.lines[l] = true
}

func (o *leftOut) tenant(t messages.TenantID) {
	if o.tenants == nil {
		o.tenants = make(map[messages.TenantID]bool)
	}
	o.tenants[t] = true
}

// next returns the flow whose turn it is, but for those that are left out; nil
// where there is none.
func (q *queue) next(out leftOut) *flow {
	for class := len(q.classes) - 1; class > 0; class-- {
		if q.passed[class] >= patience {
			if f := q.nextOf(class, out); f != nil {
				return f
			}
		}
	}
	for class := range q.classes {
		if f := q.nextOf(class, out); f != nil {
			return f
		}
	}
	return nil
}

// nextOf returns the flow of a class that is due first, and of those the one whose
// first is the oldest.
func (q *queue) nextOf(class int, out leftOut) (next *flow) {
	if q.classes[class].length == 0 {
		return nil
	}
	for _, l := range q.lines {
		if out.lines[l] {
			continue
		}
		for _, f := range l.classes[class].all {
			if (next == nil || f.before(next)) && !out.tenants[f.account.tenant] {
				next = f
			}
		}
	}
	return next
}

// serve takes the first of a flow out, for a place that it gets.
func (q *queue) serve(f *flow) *messages.StartTurn {
	q.classes[f.class].serve(f)
	q.passed[f.class] = 0
	for class := f.class + 1; class < len(q.classes); class++ {
		if q.classes[class].length > 0 {
			q.passed[class]++
		}
	}
	return q.drop(f)
}

// drop takes the first of a flow out, and it gets nothing.
func (q *queue) drop(f *flow) *messages.StartTurn {
	m := f.pop()
	q.left(f, 1)
	return m
}

// left keeps count of turns that were taken out of a flow.
func (q *queue) left(f *flow, count int) {
	q.length -= count
	f.line.length -= count
	q.classes[f.class].goes(f.account, count)
	if q.classes[f.class].length == 0 {
		q.passed[f.class] = 0
	}
	if f.length() == 0 {
		f.line.classes[f.class].remove(f)
	}
	if f.line.length == 0 {
		delete(q.lines, f.line.name)
	}
}

// remove takes out all for whom gone says so.
func (q *queue) remove(gone func(*messages.StartTurn) bool) {
	for _, l := range q.lines {
		for class := range l.classes {
			for _, f := range slices.Clone(l.classes[class].all) {
				if removed := f.remove(gone); removed > 0 {
					q.left(f, removed)
				}
			}
		}
	}
}

// pushOut takes out the turn that is to make room for one of a class and tenant
// that was put into the queue just now: of the lowest class that is below it, or
// else of its own, the newest of the tenant that has most there for its weight. In
// its own class that tenant has to have more than the one that came. It returns nil
// where nobody is to make room.
func (q *queue) pushOut(class int, tenant messages.TenantID) *messages.StartTurn {
	for lowest := len(q.classes) - 1; lowest >= class; lowest-- {
		s := &q.classes[lowest]
		if s.length == 0 {
			continue
		}
		most := s.most()
		if own := s.accounts[tenant]; lowest == class && most.over(most.waiting) <= own.over(own.waiting) {
			return nil
		}
		f := q.newest(lowest, most.tenant)
		m := f.popLast()
		q.left(f, 1)
		return m
	}
	return nil
}

// newest returns the flow that has a tenant's newest turn in a class. It has one.
func (q *queue) newest(class int, tenant messages.TenantID) (newest *flow) {
	for _, l := range q.lines {
		if f := l.classes[class].of[tenant]; f != nil && (newest == nil || f.last().serial > newest.last().serial) {
			newest = f
		}
	}
	return newest
}

// ahead returns how many are let in before a turn that is the last of its tenant:
// in its own line, and in all.
func (q *queue) ahead(own *line, m *messages.StartTurn) (inLine, inAll int) {
	for _, l := range q.lines {
		n := l.ahead(m)
		inAll += n
		if l == own {
			inLine = n
		}
	}
	return inLine, inAll
}

// ahead counts those of the line that go before the turn: all of higher classes, its
// tenant's own, and of each other tenant of its class as many as its weight gives it
// in the same time.
func (l *line) ahead(m *messages.StartTurn) (ahead int) {
	class := int(m.Spec.Priority)
	for higher := range class {
		for _, f := range l.classes[higher].all {
			ahead += f.length()
		}
	}
	own := 0
	if f := l.classes[class].of[m.Spec.Tenant]; f != nil {
		own = f.length()
		if f.last().turn == m {
			own--
		}
	}
	weight := max(m.Weight, 1)
	for _, f := range l.classes[class].all {
		if f.account.tenant != m.Spec.Tenant {
			fair := ((own+1)*f.account.weight + weight - 1) / weight
			ahead += min(f.length(), fair)
		}
	}
	return ahead + own
}
