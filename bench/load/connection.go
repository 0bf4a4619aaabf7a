package load

import (
	"context"
	"fmt"
	"net"
	"time"
)

// patience is how long after a run's end its last replies may come: a server
// that takes longer hangs.
const patience = 15 * time.Second

// connection asks one request at a time over one TCP connection, which it makes
// anew when it broke.
type connection struct {
	address string
	until   time.Time // a round trip that is not over by then is cut
	tcp     net.Conn
	reader  *replyReader
	reply   reply
}

// StatusError is the error of a reply whose status is not 200.
type StatusError int

// Error implements error.
func (e StatusError) Error() string { return fmt.Sprintf("status %d", int(e)) }

// ask makes a round trip. An error says why the reply does not count.
func (c *connection) ask(ctx context.Context, r *Request) error {
	if c.tcp == nil {
		if err := c.dial(ctx); err != nil {
			return err
		}
	}
	err := c.roundTrip(r)
	if err != nil || c.reply.closes {
		c.close()
	}
	if err != nil {
		return err
	}
	if c.reply.status != 200 {
		return StatusError(c.reply.status)
	}
	if !c.reply.whole(r.Ends) {
		return fmt.Errorf("a reply of %d bytes ended with %q instead of %q", c.reply.body, c.reply.tail, r.Ends)
	}
	return nil
}

func (c *connection) roundTrip(r *Request) error {
	if _, err := c.tcp.Write(r.Bytes); err != nil {
		return fmt.Errorf("send a request: %w", err)
	}
	if err := c.reader.next(&c.reply); err != nil {
		return fmt.Errorf("read a reply: %w", err)
	}
	return nil
}

func (c *connection) dial(ctx context.Context) error {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	tcp, err := dialer.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	c.tcp, c.reader = tcp, newReplyReader(tcp)
	if err := tcp.SetDeadline(c.until); err != nil {
		return fmt.Errorf("bound a connection: %w", err)
	}
	return nil
}

func (c *connection) close() {
	if c.tcp != nil {
		_ = c.tcp.Close() // nothing was promised to the other side
		c.tcp = nil
	}
}

// fleet is the connections of a run.
type fleet []*connection

// newFleet connects. What is not over some time after end is cut.
func newFleet(ctx context.Context, address string, size int, end time.Time) (fleet, error) {
	f := make(fleet, size)
	var failed error
	for i := range f {
		f[i] = &connection{address: address, until: end.Add(patience)}
		if failed == nil {
			failed = f[i].dial(ctx)
		}
	}
	if failed != nil {
		f.close()
		return nil, failed
	}
	return f, nil
}

func (f fleet) close() {
	for _, c := range f {
		c.close()
	}
}
