package http

// The parts of a client's control frame.
const (
	controlHead = 2
	maskKey     = 4
	maxControl  = 125 // bytes of payload
)

// readControl answers the ping, or takes the pong, that is next, and tells whether
// there was one. The library would do that too, and then wait for a message with this
// goroutine. All else is left to it, also what is malformed: it says what is wrong.
func (n *session) readControl() (found bool, err error) {
	head, err := n.in.Peek(controlHead)
	if err != nil {
		return false, err
	}
	kind, length := head[0], int(head[1]&^maskedFrame)
	if kind != pingFrame && kind != pongFrame || head[1]&maskedFrame == 0 || length > maxControl {
		return false, nil
	}
	frame, err := n.in.Peek(controlHead + maskKey + length)
	if err != nil {
		return false, err
	}
	payload := unmasked(frame[controlHead:])
	_, _ = n.in.Discard(len(frame)) // which is buffered
	if kind == pingFrame {
		return true, n.pong(payload)
	}
	return true, n.ponged(payload)
}

// unmasked is a payload behind its mask, which is taken off where it is.
func unmasked(masked []byte) string {
	key, payload := masked[:maskKey], masked[maskKey:]
	for i := range payload {
		payload[i] ^= key[i%maskKey]
	}
	return string(payload)
}
