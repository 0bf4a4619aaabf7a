package http

import (
	"slices"
	"testing"
)

// clientFrame is a frame as clients send them, whose mask is nothing.
func clientFrame(first byte, length int) []byte {
	frame := appendFrameHeader(nil, first, length)
	frame[1] |= maskedFrame
	return append(frame, make([]byte, maskKey+length)...)
}

func TestFramingKnowsWhereMessagesEnd(t *testing.T) {
	t.Parallel()
	const binary, continuation = 2, 0
	var all []byte
	ends := map[int]bool{0: true}
	for _, length := range []int{0, 1, 125, 126, 300, 65535, 65536} {
		for _, message := range [][][]byte{
			{clientFrame(textFrame, length)},
			{clientFrame(pingFrame, min(length, maxControl))},
			{clientFrame(binary, length), clientFrame(pongFrame, 3), clientFrame(continuation, 0), clientFrame(finalFrame|continuation, length)},
			{clientFrame(textFrame|compressedFrame, length)},
		} {
			all = append(all, slices.Concat(message...)...)
			ends[len(all)] = true
		}
	}
	for _, step := range []int{1, 2, 3, 7, 512, len(all)} {
		var f framing
		for at := 0; at < len(all); {
			next := min(at+step, len(all))
			f.pass(all[at:next])
			if at = next; f.isBetween(0) != ends[at] {
				t.Fatalf("in steps of %d: at %d, between two messages is %t", step, at, f.isBetween(0))
			}
		}
	}
}

// The reader is behind what was passed by what it has buffered.
func TestFramingKnowsWhereTheFirstMessageEnds(t *testing.T) {
	t.Parallel()
	const continuation = 0
	first := slices.Concat(clientFrame(1, 200), clientFrame(pingFrame, 4), clientFrame(finalFrame|continuation, 300))
	behind := slices.Concat(clientFrame(pongFrame, 5), clientFrame(textFrame, 7))
	all := slices.Concat(first, behind)
	for _, step := range []int{1, 5, 100, len(all)} {
		var f framing
		f.restart(all[:step/2])
		for at := step / 2; at < len(all); at += step {
			f.pass(all[at:min(at+step, len(all))])
		}
		for ahead := 1; ahead < len(all); ahead++ {
			if got := f.isBetween(ahead); got != (ahead == len(behind)) {
				t.Fatalf("in steps of %d, with %d bytes ahead: %t", step, ahead, got)
			}
		}
	}
}
