package cluster

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"example.com/parley/messages/remote"
)

// appendFrame puts a frame behind others, with its length before it (as
// google.golang.org/protobuf/encoding/protodelim does).
func appendFrame(frames []byte, frame *remote.Frame) []byte {
	size := frame.SizeVT()
	frames = binary.AppendUvarint(frames, uint64(size)) // #nosec G115 -- no size is below 0
	at := len(frames)
	frames = slices.Grow(frames, size)[:at+size]
	_, _ = frame.MarshalToSizedBufferVT(frames[at:]) // what has its size cannot fail
	return frames
}

// readFrame waits for a frame of at most so many bytes.
func readFrame(from *bufio.Reader, most uint64) (*remote.Frame, error) {
	size, err := binary.ReadUvarint(from)
	if err != nil {
		return nil, err
	}
	if size > most {
		return nil, fmt.Errorf("it says something of %d bytes, and may of %d", size, most)
	}
	frame := &remote.Frame{}
	if size <= uint64(from.Size()) { // #nosec G115 -- no size is below 0
		whole, err := from.Peek(int(size)) // #nosec G115 -- it is no more than the buffer's
		if err != nil {
			return nil, err
		}
		err = frame.UnmarshalVT(whole)
		_, _ = from.Discard(len(whole)) // it is there
		return frame, err
	}
	long := make([]byte, size)
	if _, err := io.ReadFull(from, long); err != nil {
		return nil, err
	}
	return frame, frame.UnmarshalVT(long)
}

// A frame says one thing. These put it in.

func helloFrame(m *remote.Hello) *remote.Frame {
	return &remote.Frame{Says: &remote.Frame_Hello{Hello: m}}
}

func askFrame(m *remote.Ask) *remote.Frame { return &remote.Frame{Says: &remote.Frame_Ask{Ask: m}} }

func answerFrame(m *remote.Answer) *remote.Frame {
	return &remote.Frame{Says: &remote.Frame_Answer{Answer: m}}
}

func batchFrame(m *remote.Batch) *remote.Frame {
	return &remote.Frame{Says: &remote.Frame_Batch{Batch: m}}
}

func creditFrame(call uint64, batches uint32) *remote.Frame {
	return &remote.Frame{Says: &remote.Frame_Credit{Credit: &remote.Credit{Call: call, Batches: batches}}}
}

func goneFrame(call uint64) *remote.Frame {
	return &remote.Frame{Says: &remote.Frame_Gone{Gone: &remote.Gone{Call: call}}}
}

// pingFrame says nothing, by which it says that this node is there.
func pingFrame() *remote.Frame { return &remote.Frame{} }
