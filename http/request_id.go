package http

import (
	"github.com/google/uuid"

	"example.com/parley/messages"
)

// NewRequestID returns a UUIDv7. Random numbers do not fail on the systems that
// Go runs on: the runtime ends the process first.
func NewRequestID() messages.TurnID { return messages.TurnID(uuid.Must(uuid.NewV7())) }

// maxClientID is the longest id of a client's own that comes back to it.
const maxClientID = 128

// isText tells whether text has 1 to most visible ASCII characters, and so can
// stand in a header again.
func isText(text []byte, most int) bool {
	if len(text) == 0 || len(text) > most {
		return false
	}
	for _, b := range text {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return true
}
