package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/gob"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// peer is a server of the core, as an edge node sees it.
type peer struct {
	address string
	control *http.Client             // for questions of the node's
	carried *http.Transport          // for requests of its clients
	dialer  tls.Dialer               // for what is neither: WebSockets
	retired atomic.Pointer[followed] // while it goes on with what it has and takes no more
}

const (
	dialPatience = 3 * time.Second
	// askPatience bounds a question, and so how long a core that says nothing is
	// taken for one that is there.
	askPatience = 3 * time.Second
	// idleFor is how long connections are kept for further requests: for less than
	// the core keeps them, so that none is used that it just closes.
	idleFor = 20 * time.Second
	// idleConnections are kept to each server of the core.
	idleConnections = 256
)

func newPeer(address string, client *tls.Config) *peer {
	carrying, asking := client.Clone(), client.Clone()
	carrying.NextProtos, asking.NextProtos = []string{carryProtocol}, []string{controlProtocol}
	p := &peer{address: address, dialer: tls.Dialer{NetDialer: &net.Dialer{Timeout: dialPatience, KeepAlive: idleFor / 2}, Config: carrying}}
	control := tls.Dialer{NetDialer: p.dialer.NetDialer, Config: asking}
	p.control = &http.Client{Transport: &http.Transport{
		DialTLSContext:      func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, &control, address) },
		MaxIdleConnsPerHost: 4, IdleConnTimeout: idleFor, DisableCompression: true,
	}}
	p.carried = &http.Transport{
		DialTLSContext:      func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, &p.dialer, address) },
		MaxIdleConnsPerHost: idleConnections, IdleConnTimeout: idleFor, DisableCompression: true,
	}
	return p
}

// dial makes a connection within its time, the handshake included.
func dial(ctx context.Context, d *tls.Dialer, address string) (net.Conn, error) {
	ctx, release := context.WithTimeout(ctx, dialPatience)
	defer release()
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("reach the core's %s: %w", address, err)
	}
	return &wire{Conn: conn.(*tls.Conn)}, nil //nolint:forcetypeassert // it is documented
}

// ask asks a question.
func (p *peer) ask(ctx context.Context, path string, question, answer any) error {
	var body bytes.Buffer
	if err := gob.NewEncoder(&body).Encode(question); err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+p.address+path, &body)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	response, err := p.control.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("the core's %s answers %s with %d: %s", p.address, path, response.StatusCode, strings.TrimSpace(string(said)))
	}
	return decode(response.Body, answer)
}

// rest closes the connections that are not in use.
func (p *peer) rest() {
	p.control.CloseIdleConnections()
	p.carried.CloseIdleConnections()
}
