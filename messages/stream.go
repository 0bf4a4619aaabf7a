package messages

import (
	"encoding/json"
	"time"
)

// ChunkKind says what a chunk carries.
type ChunkKind uint8

// The kinds, in the order in which a stream has them: one Opened, any number of
// deltas, for each choice one Finish, at most one Usage, and one End. A further
// Opened between deltas says that another provider continues.
const (
	ChunkOpened    ChunkKind = iota // Served: the provider has answered
	ChunkText                       // Text
	ChunkRefusal                    // Text
	ChunkReasoning                  // Text; Opaque at its end
	ChunkToolCall                   // Index; the first of a call has CallID and Name, all have Text: a fragment of the arguments
	ChunkFinish                     // Finish
	ChunkUsage                      // Usage
	ChunkEnd                        // End: nothing follows
)

// Chunk is the smallest piece of a reply. It travels by value on a bounded
// channel, which every stream has; what it points to is immutable.
type Chunk struct {
	Kind   ChunkKind
	Choice int // which of N; 0 unless the client asked for several
	Index  int // which tool call of the choice
	Text   string
	Finish FinishReason
	Detail *ChunkDetail // nil for most
	Usage  *Usage
	Served *Served
	End    *TurnOutcome
}

// ChunkDetail is what few deltas have.
type ChunkDetail struct {
	CallID string // of the first of a tool call
	Name   string // likewise
	Opaque string // see Item.Opaque
	// Logprobs and Extra are members of the delta that Parley does not read,
	// for clients of the provider's own format: the logprobs value, and
	// `"name":value` pairs joined by commas.
	Logprobs json.RawMessage
	Extra    json.RawMessage
}

var noDetail ChunkDetail

// Details returns the chunk's detail, or an empty one. It is read only.
func (c *Chunk) Details() *ChunkDetail {
	if c.Detail == nil {
		return &noDetail
	}
	return c.Detail
}

// Size is how many bytes the provider said with the chunk.
func (c *Chunk) Size() int {
	d := c.Details()
	return len(c.Text) + len(d.Opaque) + len(d.Logprobs) + len(d.Extra)
}

// FinishReason says why a model stopped, in OpenAI's words.
type FinishReason string

// The reasons.
const (
	FinishStop          FinishReason = "stop"
	FinishLength        FinishReason = "length"
	FinishToolCalls     FinishReason = "tool_calls"
	FinishContentFilter FinishReason = "content_filter"
)

// Served says who answered, and under what name of theirs.
type Served struct {
	Provider    string `json:"provider,omitempty"`
	Model       string `json:"model,omitempty"` // as the provider calls it
	Simulated   bool   `json:"simulated,omitempty"`
	Attempts    int    `json:"attempts,omitempty"` // calls made, this one included
	Fingerprint string `json:"fingerprint,omitempty"`
	ServiceTier string `json:"service_tier,omitempty"`
	Earlier     string `json:"earlier,omitempty"` // who began a reply that this one continued: provider/model, joined by ", "
	// Cache is what the cache had to do with it; nil where there is none.
	Cache *CacheOutcome `json:"cache,omitempty"`
}

// TurnOutcome is a stream's last word. Where the turn is kept it is in the
// store before anybody reads this.
type TurnOutcome struct {
	Status TurnStatus
	Reason string    // of a partial one
	Ended  time.Time // as the store has it, where the turn is kept
	Err    error     // nil, or a *Failure: the stream broke off
	Cost   NanoDollars
}

// Usage counts tokens as the provider bills them. Cached and CacheWrite are
// part of Input, Reasoning is part of Output.
type Usage struct {
	Input      int `json:"input"`
	Output     int `json:"output"`
	Cached     int `json:"cached,omitempty"`      // read from the provider's prompt cache
	CacheWrite int `json:"cache_write,omitempty"` // written to it, where that is billed apart
	Reasoning  int `json:"reasoning,omitempty"`
	// Estimated says that the provider reported nothing and Parley counted.
	Estimated bool `json:"estimated,omitempty"`
}

// Total is what most wire formats want.
func (u Usage) Total() int { return u.Input + u.Output }
