package cluster_test

import (
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/cluster"
	"example.com/parley/messages"
)

// network is what lies between a node and those that ask it.
type network struct {
	listener net.Listener
	parts    sync.WaitGroup

	mu     sync.Mutex
	behind string
	ways   []*way
	deaf   bool // nobody hears of the node behind it, on ways that are made now
}

// way is a connection through a network. While it is mute in a direction it takes what
// comes and brings nothing.
type way struct {
	ends        [2]net.Conn
	there, back atomic.Bool // mute
}

// joinBehind starts a node that others reach through a network.
func joinBehind(t *testing.T, at string) (*node, *network) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it takes no time
	if err != nil {
		t.Fatal(err)
	}
	w := &network{listener: listener, behind: freeAddress(t)}
	w.parts.Go(w.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		w.cut()
		w.parts.Wait()
	})
	return joinAs(t, at, func(cfg *cluster.Config) { cfg.Listen, cfg.Advertise = w.behind, listener.Addr().String() }), w
}

func (w *network) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.behind) //nolint:noctx // it takes no time
		if err != nil {
			_ = near.Close()
			continue
		}
		through := &way{ends: [2]net.Conn{near, far}}
		w.mu.Lock()
		through.back.Store(w.deaf)
		w.ways = append(w.ways, through)
		w.mu.Unlock()
		w.parts.Go(func() { through.bring(near, far, &through.there) })
		w.parts.Go(func() { through.bring(far, near, &through.back) })
	}
}

// bring ends with either connection.
func (w *way) bring(from, to net.Conn, mute *atomic.Bool) {
	defer w.cut()
	buffer := make([]byte, 4<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if mute.Load() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (w *way) cut() {
	for _, end := range w.ends {
		_ = end.Close()
	}
}

// each is done to all connections that there are. Those that are made later work.
func (w *network) each(do func(*way)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, through := range w.ways {
		do(through)
	}
	w.ways, w.deaf = nil, false
}

// deafen has nobody hear of the node, on ways that are made until [network.each].
func (w *network) deafen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf = true
}

func (w *network) cut() { w.each((*way).cut) }

func (w *network) silence() {
	w.each(func(through *way) { through.there.Store(true); through.back.Store(true) })
}

// apart are two nodes of which b is reached through a network.
func apart(t *testing.T) (a, b *node, between *network) {
	t.Helper()
	at := database(t)
	a = join(t, at)
	b, between = joinBehind(t, at)
	awaitSpread(t, a, b)
	return a, b, between
}

// breaks are how a connection between two nodes that live may end.
var breaks = map[string]func(*network){"cut": (*network).cut, "silent": (*network).silence}

func TestRequestIsAskedAgainWhereItsConnectionBreaks(t *testing.T) {
	t.Parallel()
	for name, breaks := range breaks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, network := apart(t)
			var asked atomic.Int64
			b.plays(func(m messages.Addressed) {
				if asked.Add(1) == 1 {
					breaks(network)
				}
				answer(m)
			})
			add := &messages.AddItems{
				Ref: b.in(t), Request: messages.TurnID{1}, Items: []messages.Item{messages.TextMessage(messages.RoleUser, "hi")},
				Reply: make(chan messages.Edited, 1),
			}
			network.deafen() // so that its silence begins before its first word, however soon that is written
			a.Return(add)
			if e := answered(t, add.Reply); e.Err != nil || len(e.Items) != 1 || asked.Load() != 2 {
				t.Errorf("got %+v, when it was asked %d times", e, asked.Load())
			}
		})
	}
}

// Either side is told of a connection that broke: the owner of a turn learns that its
// client has gone, and the client's node has the turn go on.
func TestStreamGoesOnWhereItsConnectionBreaks(t *testing.T) {
	t.Parallel()
	for name, breaks := range breaks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, network := apart(t)
			reached := make(chan struct{})
			first, rest := until("half", reached), goesOn(&atomic.Pointer[messages.StartTurn]{})
			b.plays(func(m messages.Addressed) {
				if turn := m.(*messages.StartTurn); turn.Spec.Handover != nil {
					rest(m)
					return
				}
				first(m)
			})
			m := turn(t.Context(), b.in(t), "")
			m.Spec.Continue = true
			a.start(m)
			started(t, m)
			<-reached
			shown := <-m.Chunks
			began := time.Now()
			breaks(network)
			text, end := received(t, m)
			if text = shown.Text + text; text != "half and half" || end == nil || end.Status != messages.TurnComplete {
				t.Errorf("got %q and %+v", text, end)
			}
			if took := time.Since(began); took > patience/2 {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestNodesTalkByTheirCertificates(t *testing.T) {
	t.Parallel()
	at, folder := database(t), authority(t)
	by := func(name string) func(*cluster.Config) {
		return func(cfg *cluster.Config) {
			cfg.TLS = cluster.TLSConfig{
				CA: filepath.Join(folder, "ca.pem"), Cert: filepath.Join(folder, name+".pem"), Key: filepath.Join(folder, name+".key"),
			}
		}
	}
	a, b := joinAs(t, at, by("node-1")), joinAs(t, at, by("node-2"))
	awaitSpread(t, a, b)
	m := turn(t.Context(), b.in(t), "hello")
	a.start(m)
	if text, _ := received(t, m); text != "hello" {
		t.Errorf("got %q", text)
	}
	stranger := joinAs(t, at, func(*cluster.Config) {})
	awaitSpread(t, a, b, stranger)
	refused := turn(t.Context(), b.in(t), "hello")
	stranger.start(refused)
	if s := started(t, refused); messages.CodeOf(s.Err) != messages.CodeRestarted && messages.CodeOf(s.Err) != messages.CodeStaleEpoch {
		t.Errorf("a node without a certificate got %+v", s)
	}
}
