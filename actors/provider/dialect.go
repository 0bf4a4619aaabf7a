package provider

import (
	"time"

	"example.com/parley/messages"
)

// dialect is how a kind of provider is spoken to: an address, headers, and a
// package of messages/wire.
type dialect interface {
	// path of the calls, behind the base URL; with the query, if any.
	path() string
	// headers of each call.
	headers(key string) map[string]string
	appendRequest(dst []byte, model string, call *messages.Call) ([]byte, error)
	// newDecoder returns a decoder for one stream.
	newDecoder() decoder
	decodeReply(body []byte) ([]messages.Chunk, error)
	decodeError(status int, retryAfter time.Duration, body []byte) *messages.Failure
}

// decoder reads a stream, event by event. An error is a *messages.Failure when
// the provider broke the stream off; with any other the event was malformed, and
// the next may be read.
type decoder interface {
	Decode(name string, data []byte, emit func(messages.Chunk)) (done bool, err error)
	// Usage is what the provider reported so far.
	Usage() (u messages.Usage, known bool)
}

func dialectOf(s *Settings) dialect {
	if s.Kind == KindAnthropic {
		return anthropicDialect{s}
	}
	return openAIDialect{s}
}

// withAuth adds what s says about all calls to a dialect's own headers. The key
// goes into the header that the operator names, or else into the dialect's with
// its prefix.
func withAuth(headers map[string]string, s *Settings, key, header, prefix string) map[string]string {
	if s.AuthHeader != "" {
		header, prefix = s.AuthHeader, ""
	}
	if key != "" {
		headers[header] = prefix + key
	}
	for name, value := range s.Headers {
		headers[name] = value
	}
	return headers
}
