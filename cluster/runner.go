package cluster

// runner runs one actor, in a goroutine of its own that lasts: the library begins one
// for every handful of messages, which grows its stack anew each time. It implements
// actor.Dispatcher.
type runner struct {
	work  chan func() // capacity 1: a mailbox asks for no more at a time
	over  chan struct{}
	ended chan struct{}
}

// throughput is how many messages the actor hears before others may run.
const throughput = 300 // as the library has it

func newRunner() *runner {
	r := &runner{work: make(chan func(), 1), over: make(chan struct{}), ended: make(chan struct{})}
	go r.run() // ends with stop
	return r
}

func (r *runner) run() {
	defer close(r.ended)
	for {
		select {
		case f := <-r.work:
			f()
		case <-r.over:
			return
		}
	}
}

// stop is for when the actor has ended. What it is still sent is not its own any more.
func (r *runner) stop() {
	close(r.over)
	<-r.ended
}

// Schedule implements actor.Dispatcher.
func (r *runner) Schedule(f func()) {
	select {
	case r.work <- f:
	case <-r.over:
	}
}

// Throughput implements actor.Dispatcher.
func (r *runner) Throughput() int { return throughput }
