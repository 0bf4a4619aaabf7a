package messages

import "time"

// BatchID names a batch: "batch_" and the id of the request that asked for it.
type BatchID string

// NewBatchID names the batch that a request asks for.
func NewBatchID(id TurnID) BatchID { return BatchID("batch_" + id.String()) }

// BatchStatus is how far a batch is.
type BatchStatus string

// The states of a batch. Only the first changes.
const (
	BatchRunning   BatchStatus = "in_progress"
	BatchComplete  BatchStatus = "completed"
	BatchCancelled BatchStatus = "cancelled" // what had not ended by then failed with CodeCancelled
)

// MostBatched is how many requests one batch may have.
const MostBatched = 1000

// Collector puts the chunks of a turn together into an answer in one piece. One
// goroutine uses it.
type Collector interface {
	Add(c Chunk)
	Append(dst []byte) []byte
}

// BatchRequest is one request of a batch.
type BatchRequest struct {
	CustomID string   // the client's own name for it; may be empty
	Turn     TurnSpec // but for its deadline
	Err      error    // why it cannot be asked; nil where it can
	// Collector returns what its reply is put together by; called once.
	Collector func() Collector
}

// BatchSpec is a list of requests that are to be answered behind those that
// people wait for.
type BatchSpec struct {
	ID       BatchID
	Tenant   TenantID
	Requests []BatchRequest
	Bytes    int           // that the requests take in memory
	Patience time.Duration // for one reply, the wait for its place included
	Deadline time.Time     // of all replies; zero: each has its patience
}

// BatchResult is what came of one request.
type BatchResult struct {
	Index    int // among the batch's requests, from 0
	CustomID string
	Request  TurnID // names its turn and its usage rows
	Body     []byte // of the answer; nil where Err is not
	Err      error  // nil, or a *Failure
}

// Batch is how far a batch is.
type Batch struct {
	ID        BatchID
	Status    BatchStatus
	Total     int // requests, of which the next ones are parts
	Completed int
	Failed    int
	Results   []BatchResult // of those that have ended, in the order of the requests; read only
	Created   time.Time
	Ended     time.Time // zero while it runs
	Expires   time.Time // when its results are forgotten; zero while it runs
}
