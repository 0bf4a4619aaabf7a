package http

import "encoding/binary"

// maskedFrame is the bit of a frame's second byte that a client's frames have.
const maskedFrame = 0x80

// framing follows the frames of what was read. The library, which reads them, does not
// tell whether it has come to the end of a message: behind one that ends before its
// frames do, as a compressed one may, it has not.
type framing struct {
	head [maxFrameHeader]byte // of the frame that begins, without its mask
	have int
	left uint64 // bytes of the frame's mask and payload
	open bool   // the message has further frames
}

// pass follows what comes next. What is malformed leads it astray, but ends the
// connection too.
func (f *framing) pass(p []byte) {
	for len(p) > 0 {
		if f.left > 0 {
			skipped := min(f.left, uint64(len(p)))
			f.left -= skipped
			p = p[skipped:]
			continue
		}
		f.head[f.have] = p[0]
		f.have++
		p = p[1:]
		f.begin()
	}
}

// begin looks whether the head of a frame is whole.
func (f *framing) begin() {
	if f.have < 2 {
		return
	}
	length := uint64(f.head[1] &^ maskedFrame)
	switch {
	case length == 126 && f.have == 4:
		length = uint64(binary.BigEndian.Uint16(f.head[2:]))
	case length == 127 && f.have == 10:
		length = binary.BigEndian.Uint64(f.head[2:])
	case length >= 126:
		return
	}
	const controls = 8 // the first opcode of those
	f.have, f.left = 0, length+maskKey
	if f.head[0]&0xf < controls {
		f.open = f.head[0]&finalFrame == 0
	}
}

// isBetween tells whether all messages that have begun have ended.
func (f *framing) isBetween() bool { return f.have == 0 && f.left == 0 && !f.open }
