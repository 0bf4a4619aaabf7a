package messages

import (
	"errors"
	"time"
)

// EdgeNode is a server near users that is no member of the cluster: it answers what
// it has cached, and forwards everything else.
type EdgeNode struct {
	Name    string
	Version string    // of its binary
	Heard   time.Time // by the clock of the server that heard it
	Follows bool      // it has its news from this server; else from another
	Behind  int       // events of the feed that it has not taken yet
}

// ErrNotCached is the cause of a failure on an edge node that has no reply to a
// request. The core is to be asked.
var ErrNotCached = errors.New("nothing that is cached here answers this")

// NotCached is the end of a turn that an edge node began and has nothing for. A client
// sees it where the core cannot be asked.
func NotCached() *Failure { return CutOff(ErrNotCached) }

// CutOff is what an edge node tells whoever it would need the core for, while that is
// out of reach.
func CutOff(cause error) *Failure {
	return &Failure{
		Code: CodeEdgeCutOff, What: "this edge node cannot reach the core, and has no recent reply of its own to this",
		Do: "send the request again in a moment, or to another server", RetryAfter: time.Second, Cause: cause,
	}
}
