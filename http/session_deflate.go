package http

import (
	"bytes"
	"strings"

	"github.com/klauspost/compress/flate"
)

// deflater compresses messages as permessage-deflate has it (RFC 7692), each by
// itself: a window that outlives a message is 32 KiB of every connection.
type deflater struct {
	on     bool // the client and the configuration want it
	deltas bool
	from   int // bytes
}

// wants tells whether a message is to be compressed. What is small grows, or gains
// nothing that anybody notices.
func (d *deflater) wants(length int, isDelta bool) bool {
	return d.on && length >= d.from && (d.deltas || !isDelta)
}

// append writes a message as one compressed frame, or as it is where that is
// smaller.
func (d *deflater) append(dst, message []byte) []byte {
	var out deflated
	if err := flate.StatelessDeflate(&out, message, false, nil); err != nil || out.size() >= len(message) {
		return appendFrame(dst, textFrame, message)
	}
	return appendFrame(dst, textFrame|compressedFrame, out.trimmed())
}

// deflated collects what a compressor writes.
type deflated struct{ bytes.Buffer }

// emptyBlock ends a message that is flushed. It is left out: the reader adds it.
var emptyBlock = []byte{0, 0, 0xff, 0xff}

func (d *deflated) trimmed() []byte { return bytes.TrimSuffix(d.Bytes(), emptyBlock) }

func (d *deflated) size() int { return len(d.trimmed()) }

// offersDeflate tells whether a client offers to compress in a way that is served
// here: without a smaller window than the usual.
func offersDeflate(extensions string) bool {
	for offer := range strings.SplitSeq(extensions, ",") {
		name, parameters, _ := strings.Cut(offer, ";")
		if strings.TrimSpace(name) == "permessage-deflate" {
			return !strings.Contains(parameters, "server_max_window_bits")
		}
	}
	return false
}
