package http

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/fasthttp/websocket"

	"example.com/parley/messages"
	"example.com/parley/messages/parking"
)

// Sessions opens the sessions of WebSocket connections. actors.System implements
// it.
type Sessions interface {
	OpenSession(m *messages.OpenSession) error
}

// SocketLimits bounds the connections of a tenant, a key and an address, and what
// is sent over them: CodeRateLimited. actors/tenant implements it.
type SocketLimits interface {
	// Connect counts a connection, until the hold is settled; nil where nothing is
	// counted.
	Connect(use messages.LimitUse) (messages.LimitHold, error)
	Message(use messages.LimitUse) error
}

// Standing tells whether a key that was presented before still holds:
// CodeInvalidKey once it is revoked or has expired. actors/tenant implements it.
type Standing interface {
	Current(ctx context.Context, key messages.KeyID) (messages.Principal, error)
}

// session is a WebSocket connection: what reads it, what is to be written to it, and
// the way to the actor that decides what its lanes do.
//
// There are very many, most of which say nothing for most of the time. So none has
// a goroutine that reads while there is nothing, one that writes, or a timer: the
// poller starts the first, whoever has something to say writes it, and one wheel looks
// after all of them.
type session struct {
	server  *Server
	who     atomic.Pointer[messages.Principal]
	address string             // whose connections it counts among
	held    messages.LimitHold // of the limits of its tenant and key; nil where there are none
	asked   asked              // what the handshake's headers say of every turn
	opened  time.Time
	line    line
	out     outbox
	deflate bool            // the client takes compressed messages
	socket  *websocket.Conn // of the reading goroutine
	bucket  bucket          // likewise
	in      parking.Reader  // likewise; the socket's
	between bool            // likewise; the next byte begins a message, or a frame between two
	tell    func(m any)     // to its actor
	core    *coreSide       // in the actor's place on an edge node; nil on any other

	place    int // in its slot of the wheel
	slot     *slot
	pinged   time.Time    // of the wheel
	sent     int64        // bytes before that; likewise
	old      bool         // it was told that it is too old; likewise
	checked  atomic.Int64 // when its key was, in nanoseconds
	draining atomic.Bool  // the server stops
	reading  atomic.Int64 // when the message, or the frame between two, began that is being read, in nanoseconds; 0 while none is
}

var _ messages.SessionClient = (*session)(nil)

// Why connections are closed, by RFC 6455. Clients connect again by themselves
// behind the codes 1001, 1011, 1012 and 1013.
const (
	closeNormal    = 1000
	closeGoingAway = 1001
	closeBinary    = 1003
	closeAbnormal  = 1006 // never sent: nobody was there
	closeNoText    = 1007
	closePolicy    = 1008
	closeTooLarge  = 1009
	closeInternal  = 1011
	closeRestart   = 1012
	closeTryAgain  = 1013
	reasonSlow     = "slow reader: connect again, and send response.resume with the last sequence_number"
	reasonDraining = "the server stops: connect again, and send response.resume for what had not ended"
	reasonAge      = "websocket_connection_limit_reached: connect again"
	reasonFlood    = "too many messages a second"
	reasonKey      = "the key is not valid any more"
	reasonBinary   = "send JSON as text messages"
	reasonNoText   = "the message is not valid UTF-8"
	reasonBadData  = "the message is not compressed as agreed"
	reasonTooLarge = "the message is larger than http.sessions.max_message"
	reasonInternal = "the server failed in a way that it did not expect"
	reasonBroken   = "the session has failed: connect again, and send response.resume for what had not ended"
	reasonUnended  = "the message did not end in time"
)

// Refuse implements messages.SessionClient.
func (n *session) Refuse(lane messages.Lane, err error) {
	x := n.exchange(NewRequestID())
	n.refuse(x, lane, err)
}

// refuse shows a failure on its lane.
func (n *session) refuse(x *exchange, lane messages.Lane, err error) {
	f := messages.AsFailure(err)
	n.server.noteFailure(x, f)
	n.server.metrics.observe(x, socketStatus(f))
	n.say(appendErrorMessage(nil, f, lane))
}

// Finish implements messages.SessionClient.
func (n *session) Finish() {
	if n.draining.Load() {
		n.out.close(closeGoingAway, reasonDraining)
		return
	}
	n.out.close(closeGoingAway, reasonAge)
}

// Break implements messages.SessionClient.
func (n *session) Break() { n.out.close(closeRestart, reasonBroken) }

// say sends a message without waiting for anybody. One that finds no room cuts the
// connection: its client does not read.
func (n *session) say(message []byte) {
	w := messageWriter{deflate: n.deflater()}
	frame := w.appendObject(nil, message, false)
	n.count(1, len(message))
	n.out.post(frame)
}

func (n *session) deflater() deflater {
	cfg := &n.server.cfg.Sessions
	return deflater{on: n.deflate, deltas: cfg.DeflateDeltas, from: cfg.DeflateFrom}
}

// count counts messages on their way out, and their bytes before they are framed.
func (n *session) count(sent, plain int) {
	n.server.metrics.sessions.sent.Add(float64(sent))
	n.server.metrics.sessions.plainOut.Add(float64(plain))
}

// exchange is one command of the client's, for metrics and log.
func (n *session) exchange(id messages.TurnID) *exchange {
	return &exchange{id: id, begun: time.Now(), method: socketMethod, endpoint: socketPattern, principal: *n.who.Load()}
}
