package provider

import (
	"cmp"
	"time"
)

// Timeouts are how long a call to one model may take. What is 0 is as it is for
// the provider's other models.
type Timeouts struct {
	FirstByte  time.Duration `koanf:"first_byte_timeout"` // for a stream to begin
	Stall      time.Duration `koanf:"stall_timeout"`      // between two events of a stream
	WholeReply time.Duration `koanf:"reply_timeout"`      // for a reply that is not streamed
	Total      time.Duration `koanf:"total_timeout"`      // for a stream to end; 0 where the turn's own deadline is enough
}

// timeouts are those of a model.
func (s *Settings) timeouts(model string) Timeouts {
	t := s.ModelTimeouts[model]
	t.FirstByte = cmp.Or(t.FirstByte, s.FirstByte)
	t.Stall = cmp.Or(t.Stall, s.Stall)
	t.WholeReply = cmp.Or(t.WholeReply, s.WholeReply)
	t.Total = cmp.Or(t.Total, s.Total)
	return t
}

// begin is how long the first byte may take.
func (t *Timeouts) begin(stream bool) time.Duration {
	switch {
	case !stream:
		return t.WholeReply
	case t.Total > 0:
		return min(t.FirstByte, t.Total)
	default:
		return t.FirstByte
	}
}

// next is how long the next event may take of a stream that began at the given
// time. It is 0 or less when the stream has had its time.
func (t *Timeouts) next(began time.Time) time.Duration {
	if t.Total == 0 {
		return t.Stall
	}
	return min(t.Stall, t.Total-time.Since(began))
}
