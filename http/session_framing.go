package http

import "encoding/binary"

// maskedFrame is the bit of a frame's second byte that a client's frames have.
const maskedFrame = 0x80

// framing follows the frames of what was read. The library, which reads them, does not
// tell whether it has come to the end of a message: behind one that ends before its
// frames do, as a compressed one may, it has not.
type framing struct {
	passed uint64               // bytes since the start
	end    uint64               // of the first message, in bytes from there; 0 where that is not known yet
	head   [maxFrameHeader]byte // of the frame that begins, without its mask
	have   int
	left   uint64 // bytes of the frame's mask and payload
	open   bool   // the message has further frames
}

// restart begins where a message does. What is read ahead from there is passed.
func (f *framing) restart(ahead []byte) {
	*f = framing{}
	f.pass(ahead)
}

// pass follows what comes next. What is malformed leads it astray, but ends the
// connection too.
func (f *framing) pass(p []byte) {
	f.passed += uint64(len(p))
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
		f.begin(len(p))
	}
}

// begin looks whether the head of a frame is whole, behind which so many bytes have
// come already.
func (f *framing) begin(behind int) {
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
	if f.head[0]&0xf >= controls {
		return
	}
	if f.open = f.head[0]&finalFrame == 0; !f.open && f.end == 0 {
		f.end = f.passed - uint64(behind) + f.left // #nosec G115 -- no length is negative
	}
}

// isBetween tells whether whoever has read all but so many bytes is between two
// messages: behind the first, or where nothing has begun. Behind others it cannot tell.
func (f *framing) isBetween(ahead int) bool {
	if ahead == 0 {
		return f.have == 0 && f.left == 0 && !f.open
	}
	return f.end != 0 && f.passed-uint64(ahead) == f.end // #nosec G115 -- no length is negative
}
