package remote

import (
	"time"

	"example.com/parley/messages"
)

// ToFailure mirrors the failure in err's chain, without its cause. An error that
// a person may not see goes as [messages.CodeInternal], and nil as nil.
func ToFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	f := messages.AsFailure(err)
	return &Failure{
		Code: string(f.Code), What: f.What, Do: f.Do, Param: f.Param,
		RetryAfterMs: roundUp(f.RetryAfter), NoRetry: f.NoRetry, Status: int64(f.Status),
	}
}

// FromFailure reads a mirror: a *messages.Failure, or nil for nil.
func FromFailure(m *Failure) error {
	if m == nil {
		return nil
	}
	return &messages.Failure{
		Code: messages.Code(m.GetCode()), What: m.GetWhat(), Do: m.GetDo(), Param: m.GetParam(),
		RetryAfter: milliseconds(m.GetRetryAfterMs()),
		NoRetry:    m.GetNoRetry(), Status: int(m.GetStatus()),
	}
}

// roundUp counts milliseconds, so that nobody comes back too early.
func roundUp(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}
