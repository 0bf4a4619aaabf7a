package http

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"example.com/parley/messages"
)

// noteFailure counts a failure that a client is told of, and tells the operator
// what the client is not.
func (s *Server) noteFailure(x *exchange, err error) {
	f := messages.AsFailure(err)
	s.metrics.countError(f.Code)
	if f.Cause == nil || !isOurAffair(f) {
		return
	}
	level := slog.LevelError // each has an id that its client may ask about
	if f.Code != messages.CodeInternal {
		if !s.told.allows(f.Code, time.Now()) {
			return
		}
		level = slog.LevelWarn
	}
	s.log.LogAttrs(context.Background(), level, "a request failed",
		slog.String("request", x.id.String()), slog.String("endpoint", x.endpoint),
		slog.String("code", string(f.Code)), slog.Any("error", f.Cause))
}

// isOurAffair tells whether a failure's cause is for the log: it is an
// operator's to mend, and no part of it was written by a client or a model. What
// a provider says may quote either.
func isOurAffair(f *messages.Failure) bool {
	switch f.Code {
	case messages.CodeInternal, messages.CodeStoreUnavailable, messages.CodeStoreFull:
		return true
	default:
		_, network := errors.AsType[net.Error](f.Cause)
		_, untrusted := errors.AsType[*tls.CertificateVerificationError](f.Cause)
		return network || untrusted
	}
}

// tellEvery is how often the log tells of failures of one code. While a store
// is away every request fails for the same cause.
const tellEvery = time.Second

// told remembers when the log last told of a code. It is safe for concurrent
// use, and asked about failures alone.
type told struct {
	mu   sync.Mutex
	last map[messages.Code]time.Time
}

func newTold() *told { return &told{last: make(map[messages.Code]time.Time)} }

// allows tells whether the log may tell of another failure of the code.
func (t *told) allows(code messages.Code, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, before := t.last[code]; before && now.Sub(last) < tellEvery {
		return false
	}
	t.last[code] = now
	return true
}

// logAccess notes an exchange that is over: names and sizes, and nothing that
// anybody said. At the usual level nothing is logged of what goes well.
func (s *Server) logAccess(x *exchange, status, sent int) {
	ctx := context.Background() // the request's own may have ended
	if !s.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	s.log.LogAttrs(ctx, slog.LevelDebug, "answered",
		slog.String("request", x.id.String()), slog.String("method", x.method), slog.String("endpoint", x.endpoint),
		slog.String("tenant", string(x.principal.Tenant)), slog.String("key", string(x.principal.Key)),
		slog.Int("received_bytes", x.received), slog.Int("sent_bytes", sent),
		slog.Int("status", status), slog.Duration("took", time.Since(x.begun)))
}
