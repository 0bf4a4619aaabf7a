package http

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller waits for the connections that are parked, in the place of their goroutines:
// an epoll instance of its own, for which one goroutine waits as for any file, in the
// runtime's. It is safe for concurrent use.
type poller struct {
	file *os.File        // the instance
	raw  syscall.RawConn // of file

	mu    sync.Mutex
	last  uint64
	lines map[uint64]*line // those that the instance knows, also while they are read
}

// pollerBatch is how many events are taken at once: 5,000 connections that are pinged
// every 20 seconds answer 25 in a tenth of a second.
const pollerBatch = 64

// newPoller returns a poller, whose run is to be called.
func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // else the file would be no matter of the runtime's
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(fd))
	}
	p := &poller{file: os.NewFile(uintptr(fd), "epoll"), lines: make(map[uint64]*line)} // #nosec G115 -- no descriptor is negative
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, p.file.Close())
	}
	return p, nil
}

// run starts the reading goroutine of each connection that has something to read, or
// was hung up, until the poller is closed. Then it does so for all.
func (p *poller) run() {
	defer p.release()
	var count int
	var err error
	events := make([]unix.EpollEvent, pollerBatch)
	take := func(instance uintptr) (done bool) {
		count, err = takeEvents(instance, events)
		return count != 0 || err != nil
	}
	for p.raw.Read(take) == nil && err == nil {
		for i := range events[:count] {
			if l := p.lineOf(idOf(&events[i])); l != nil {
				l.resume()
			}
		}
	}
}

// takeEvents returns how many there are now. It does not wait: the runtime does, once
// all are taken.
func takeEvents(instance uintptr, events []unix.EpollEvent) (int, error) {
	for {
		count, err := unix.EpollWait(int(instance), events, 0) // #nosec G115 -- a descriptor
		if !errors.Is(err, unix.EINTR) {
			return count, err
		}
	}
}

// close ends run. Nothing is parked any more.
func (p *poller) close() { _ = p.file.Close() }

// release has all connections read by goroutines again. The instance is closed, so
// that whatever parks afterwards is refused.
func (p *poller) release() {
	p.close()
	for _, l := range p.all() {
		l.resume()
	}
}

func (p *poller) all() []*line {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := make([]*line, 0, len(p.lines))
	for _, l := range p.lines {
		lines = append(lines, l)
	}
	return lines
}

func (p *poller) lineOf(id uint64) *line {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines[id]
}

// arm has the poller wait for a connection, once. Where there is something to read
// already it reports that at once. The caller has the connection's lock.
func (p *poller) arm(l *line) error {
	if l.id != 0 {
		return p.control(l, unix.EPOLL_CTL_MOD)
	}
	p.enter(l)
	err := p.control(l, unix.EPOLL_CTL_ADD)
	if err != nil {
		p.leave(l)
	}
	return err
}

// forget is for a connection that is about to be closed. The caller has its lock.
func (p *poller) forget(l *line) {
	_ = p.control(l, unix.EPOLL_CTL_DEL) // it fails where one of the two is closed
	p.leave(l)
}

// enter gives a connection a name that no other will have: events that were taken
// before it was closed do not mean the next with its file descriptor.
func (p *poller) enter(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	l.id = p.last
	p.lines[l.id] = l
}

func (p *poller) leave(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.lines, l.id)
	l.id = 0
}

// control changes what is waited for, while both descriptors are held.
func (p *poller) control(l *line, operation int) (err error) {
	event := eventOf(l.id)
	closed := p.raw.Control(func(instance uintptr) {
		gone := l.raw.Control(func(fd uintptr) {
			err = os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(instance), operation, int(fd), event)) // #nosec G115 -- descriptors
		})
		err = errors.Join(err, gone)
	})
	return errors.Join(err, closed)
}

// eventOf is what a connection is waited for with. It carries its id, in two halves.
func eventOf(id uint64) *unix.EpollEvent {
	return &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT,
		Fd:     int32(id), Pad: int32(id >> 32), // #nosec G115 -- the halves
	}
}

func idOf(event *unix.EpollEvent) uint64 {
	return uint64(uint32(event.Fd)) | uint64(uint32(event.Pad))<<32 // #nosec G115 -- the halves
}
