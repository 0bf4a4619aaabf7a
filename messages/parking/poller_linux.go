package parking

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Poller waits for the connections that are parked, in the place of their goroutines:
// an epoll instance of its own, for which one goroutine waits as for any file, in the
// runtime's. It is safe for concurrent use.
type Poller struct {
	file *os.File        // the instance
	raw  syscall.RawConn // of file

	mu    sync.Mutex
	last  uint64
	conns map[uint64]*Conn // those that the instance knows, also while they are read
}

// pollerBatch is how many events are taken at once: 5,000 connections that are pinged
// every 20 seconds answer 25 in a tenth of a second.
const pollerBatch = 64

// NewPoller returns a poller, whose Run is to be called.
func NewPoller() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // else the file would be no matter of the runtime's
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(fd))
	}
	p := &Poller{file: os.NewFile(uintptr(fd), "epoll"), conns: make(map[uint64]*Conn)} // #nosec G115 -- no descriptor is negative
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, p.file.Close())
	}
	return p, nil
}

// Run resumes each connection that has something to read, or was hung up, until ctx
// ends. Then it does so for all, and the poller is closed.
func (p *Poller) Run(ctx context.Context) error {
	defer p.release()
	defer context.AfterFunc(ctx, p.Close)()
	var count int
	var err error
	events := make([]unix.EpollEvent, pollerBatch)
	take := func(instance uintptr) (done bool) {
		count, err = takeEvents(instance, events)
		return count != 0 || err != nil
	}
	for p.raw.Read(take) == nil && err == nil {
		for i := range events[:count] {
			if c := p.connOf(idOf(&events[i])); c != nil {
				c.Wake()
			}
		}
	}
	return err
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

// Close closes a poller that was not run.
func (p *Poller) Close() { _ = p.file.Close() }

// release has all connections read by goroutines again. The instance is closed, so
// that whatever parks afterwards is refused.
func (p *Poller) release() {
	p.Close()
	for _, c := range p.all() {
		c.Wake()
	}
}

func (p *Poller) all() []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	conns := make([]*Conn, 0, len(p.conns))
	for _, c := range p.conns {
		conns = append(conns, c)
	}
	return conns
}

func (p *Poller) connOf(id uint64) *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns[id]
}

// arm has the poller wait for a connection, once. Where there is something to read
// already it reports that at once. The caller has the connection's lock.
func (p *Poller) arm(c *Conn) error {
	if c.id != 0 {
		return p.control(c, unix.EPOLL_CTL_MOD)
	}
	p.enter(c)
	err := p.control(c, unix.EPOLL_CTL_ADD)
	if err != nil {
		p.leave(c)
	}
	return err
}

// forget is for a connection that is about to be closed. The caller has its lock.
func (p *Poller) forget(c *Conn) {
	_ = p.control(c, unix.EPOLL_CTL_DEL) // it fails where one of the two is closed
	p.leave(c)
}

// enter gives a connection a name that no other will have: events that were taken
// before it was closed do not mean the next with its file descriptor.
func (p *Poller) enter(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	c.id = p.last
	p.conns[c.id] = c
}

func (p *Poller) leave(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c.id)
	c.id = 0
}

// control changes what is waited for, while both descriptors are held.
func (p *Poller) control(c *Conn, operation int) (err error) {
	event := eventOf(c.id)
	closed := p.raw.Control(func(instance uintptr) {
		gone := c.raw.Control(func(fd uintptr) {
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
