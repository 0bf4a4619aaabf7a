package remote

import (
	"fmt"
	"time"

	"example.com/parley/messages"
)

// ToChunk mirrors c.
func ToChunk(c *messages.Chunk) *Chunk {
	detail := c.Details()
	return &Chunk{
		Kind:     ChunkKind(c.Kind) + 1,
		Choice:   int32(c.Choice), //nolint:gosec // a choice and an index are counted from 0 by a reply's own parts
		Index:    int32(c.Index),  //nolint:gosec // likewise
		Text:     c.Text,
		CallId:   detail.CallID,
		Name:     detail.Name,
		Opaque:   detail.Opaque,
		Finish:   string(c.Finish),
		Logprobs: detail.Logprobs,
		Extra:    detail.Extra,
		Usage:    optional(c.Usage, toUsage),
		Served:   optional(c.Served, toServed),
		End:      optional(c.End, ToTurnOutcome),
	}
}

// FromChunk reads a mirror. It fails for a kind that this node does not know,
// and for one that lacks what its kind promises.
func FromChunk(m *Chunk) (messages.Chunk, error) {
	kind := m.GetKind() - 1
	if kind < 0 || kind > ChunkKind(messages.ChunkEnd) {
		return messages.Chunk{}, fmt.Errorf("read chunk: kind %d is unknown", m.GetKind())
	}
	c := messages.Chunk{
		Kind:   messages.ChunkKind(kind),
		Choice: int(m.GetChoice()),
		Index:  int(m.GetIndex()),
		Text:   m.GetText(),
		Finish: messages.FinishReason(m.GetFinish()),
		Detail: fromDetail(m),
		Usage:  optional(m.GetUsage(), fromUsage),
		Served: optional(m.GetServed(), fromServed),
		End:    optional(m.GetEnd(), FromTurnOutcome),
	}
	switch {
	case c.Kind == messages.ChunkOpened && c.Served == nil,
		c.Kind == messages.ChunkUsage && c.Usage == nil,
		c.Kind == messages.ChunkEnd && c.End == nil:
		return messages.Chunk{}, fmt.Errorf("read chunk: %s is empty", m.GetKind())
	}
	return c, nil
}

// fromDetail reads what few chunks have.
func fromDetail(m *Chunk) *messages.ChunkDetail {
	if m.GetCallId() == "" && m.GetName() == "" && m.GetOpaque() == "" && m.GetLogprobs() == nil && m.GetExtra() == nil {
		return nil
	}
	return &messages.ChunkDetail{
		CallID: m.GetCallId(), Name: m.GetName(), Opaque: m.GetOpaque(), Logprobs: m.GetLogprobs(), Extra: m.GetExtra(),
	}
}

// ToTurnOutcome mirrors o.
func ToTurnOutcome(o *messages.TurnOutcome) *TurnOutcome {
	m := &TurnOutcome{Status: string(o.Status), Reason: o.Reason, Err: ToFailure(o.Err), CostNanoDollars: int64(o.Cost)}
	if !o.Ended.IsZero() {
		m.EndedMs = o.Ended.UnixMilli()
	}
	return m
}

// FromTurnOutcome reads a mirror.
func FromTurnOutcome(m *TurnOutcome) *messages.TurnOutcome {
	o := &messages.TurnOutcome{Status: messages.TurnStatus(m.GetStatus()), Reason: m.GetReason(), Err: FromFailure(m.GetErr()), Cost: messages.NanoDollars(m.GetCostNanoDollars())}
	if ms := m.GetEndedMs(); ms != 0 {
		o.Ended = time.UnixMilli(ms)
	}
	return o
}

func toUsage(u *messages.Usage) *Usage {
	return &Usage{
		Input: int64(u.Input), Output: int64(u.Output), Cached: int64(u.Cached), CacheWrite: int64(u.CacheWrite),
		Reasoning: int64(u.Reasoning), Estimated: u.Estimated,
	}
}

func fromUsage(m *Usage) *messages.Usage {
	return &messages.Usage{
		Input: int(m.GetInput()), Output: int(m.GetOutput()), Cached: int(m.GetCached()), CacheWrite: int(m.GetCacheWrite()),
		Reasoning: int(m.GetReasoning()), Estimated: m.GetEstimated(),
	}
}

func toServed(s *messages.Served) *Served {
	return &Served{
		Provider: s.Provider, Model: s.Model, Simulated: s.Simulated, Attempts: int64(s.Attempts),
		Fingerprint: s.Fingerprint, ServiceTier: s.ServiceTier, Earlier: s.Earlier, Cache: toCacheOutcome(s.Cache),
	}
}

func fromServed(m *Served) *messages.Served {
	return &messages.Served{
		Provider: m.GetProvider(), Model: m.GetModel(), Simulated: m.GetSimulated(), Attempts: int(m.GetAttempts()),
		Fingerprint: m.GetFingerprint(), ServiceTier: m.GetServiceTier(), Earlier: m.GetEarlier(), Cache: fromCacheOutcome(m.GetCache()),
	}
}
