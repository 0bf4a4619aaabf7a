package conversation

import (
	"sync"
	"time"
)

// Workers runs the goroutines of turns and edits, and reuses them: a goroutine
// that is new grows its stack on the way through a provider's parser, which costs
// more than the rest of its start. The zero value is ready. It is safe for
// concurrent use.
//
// A worker that finds nothing to do for a while ends by itself; Wait returns when
// none runs anything, and nothing that began has yet to end.
type Workers struct {
	running sync.WaitGroup

	mu     sync.Mutex
	idle   []*worker // the one that was busy last is the first to be used again
	closed bool
}

// worker is one goroutine that waits.
type worker struct {
	next     chan func()
	patience *time.Timer
}

// idleFor is how long a worker waits for something to do. It is far longer than
// the pause between two requests of a busy server, and short to a person.
const idleFor = 5 * time.Second

// Go runs f in a goroutine.
func (w *Workers) Go(f func()) {
	w.running.Add(1)
	w.mu.Lock()
	if n := len(w.idle); n > 0 {
		last := w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		last.next <- f
		return
	}
	w.mu.Unlock()
	go w.work(f)
}

// Begin says that something began which several goroutines carry out one after the
// other. While it has none it runs as well.
func (w *Workers) Begin() { w.running.Add(1) }

// End says that what began has ended.
func (w *Workers) End() { w.running.Done() }

// work runs f and what comes after it, until nothing does.
func (w *Workers) work(f func()) {
	self := &worker{next: make(chan func(), 1), patience: time.NewTimer(idleFor)}
	for f != nil {
		w.run(f)
		f = w.await(self)
	}
	self.patience.Stop()
}

// await returns what a worker is to run next, and nil when it is to end.
func (w *Workers) await(self *worker) func() {
	self.patience.Reset(idleFor)
	if !w.rest(self) {
		return nil
	}
	select {
	case f := <-self.next:
		return f
	case <-self.patience.C:
		if w.leave(self) {
			return nil
		}
		return <-self.next // it was chosen in the same moment
	}
}

func (w *Workers) run(f func()) {
	defer w.running.Done()
	f()
}

// rest puts a worker on the list, unless there is nothing to wait for any more.
func (w *Workers) rest(self *worker) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.idle = append(w.idle, self)
	}
	return !w.closed
}

// leave takes a worker off the list, and tells whether it was on it.
func (w *Workers) leave(self *worker) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.idle {
		if other == self {
			w.idle = append(w.idle[:i], w.idle[i+1:]...)
			return true
		}
	}
	return false
}

// Wait returns when nothing runs.
func (w *Workers) Wait() { w.running.Wait() }

// Close ends the workers that wait, and the others when they are done. What is
// started after it gets a goroutine of its own.
func (w *Workers) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, self := range w.idle {
		close(self.next)
	}
	w.idle = nil
}
