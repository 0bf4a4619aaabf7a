package provider

import (
	"cmp"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
)

// anthropicVersion is the version of the format that messages/wire/anthropic
// reads and writes.
const anthropicVersion = "2023-06-01"

// anthropicDialect speaks Anthropic's Messages.
type anthropicDialect struct{ settings *Settings }

func (anthropicDialect) path() string { return "/v1/messages" }

func (d anthropicDialect) headers(key string) map[string]string {
	version := map[string]string{"anthropic-version": cmp.Or(d.settings.APIVersion, anthropicVersion)}
	return withAuth(version, d.settings, key, "x-api-key", "")
}

func (anthropicDialect) appendRequest(dst []byte, model string, call *messages.Call) ([]byte, error) {
	return anthropic.AppendRequest(dst, model, call)
}

func (anthropicDialect) decodeReply(body []byte) ([]messages.Chunk, error) {
	return anthropic.DecodeReply(body)
}

func (anthropicDialect) decodeError(status int, retryAfter time.Duration, body []byte) *messages.Failure {
	return anthropic.DecodeError(status, retryAfter, body)
}

func (anthropicDialect) newDecoder() decoder { return new(anthropic.Decoder) }
