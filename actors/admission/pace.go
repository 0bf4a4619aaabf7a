package admission

import "time"

// pace is how fast places come free for those who wait, as long as there are more
// of them than places. The zero value knows nothing. One goroutine uses it.
type pace struct {
	each time.Duration // from one place to the next, smoothed; zero while that is not known
	last time.Time     // when the queue looked for places last; zero while nobody waited for one
	debt int           // places since then that are not in each yet
}

const (
	paceWindow = 10 * time.Millisecond // shorter ones say little
	paceSmooth = 8                     // a window counts an eighth
)

// served notes that so many were let in, and that others still wait.
func (p *pace) served(n int, now time.Time) {
	if p.last.IsZero() {
		p.last = now
		return
	}
	p.debt += n
	elapsed := now.Sub(p.last)
	if elapsed < paceWindow || p.debt == 0 {
		return
	}
	each := elapsed / time.Duration(p.debt)
	if p.each == 0 {
		p.each = each
	}
	p.each += (each - p.each) / paceSmooth
	p.last, p.debt = now, 0
}

// rest notes that nobody waits for a place. What is known stays.
func (p *pace) rest() { p.last, p.debt = time.Time{}, 0 }

// wait is how long one waits who has so many ahead; zero where that is not known.
func (p *pace) wait(ahead int) time.Duration { return p.each * time.Duration(ahead) }
