package provider

import (
	"net/url"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// openAIDialect speaks chat completions, as OpenAI does and most others.
type openAIDialect struct{ settings *Settings }

func (d openAIDialect) path() string {
	if d.settings.APIVersion == "" {
		return "/chat/completions"
	}
	return "/chat/completions?api-version=" + url.QueryEscape(d.settings.APIVersion)
}

func (d openAIDialect) headers(key string) map[string]string {
	return withAuth(map[string]string{}, d.settings, key, "Authorization", "Bearer ")
}

func (openAIDialect) appendRequest(dst []byte, model string, call *messages.Call) ([]byte, error) {
	return openai.AppendChatRequest(dst, model, call)
}

func (openAIDialect) decodeReply(body []byte) ([]messages.Chunk, error) {
	return openai.DecodeChatReply(body)
}

func (openAIDialect) decodeError(status int, retryAfter time.Duration, body []byte) *messages.Failure {
	return openai.DecodeError(status, retryAfter, body)
}

func (openAIDialect) newDecoder() decoder { return new(openAIDecoder) }

// openAIDecoder reads events that have no names.
type openAIDecoder struct{ chat openai.ChatDecoder }

func (d *openAIDecoder) Decode(_ string, data []byte, emit func(messages.Chunk)) (done bool, err error) {
	return d.chat.Decode(data, emit)
}

// Usage is never known before the end.
func (d *openAIDecoder) Usage() (u messages.Usage, known bool) { return messages.Usage{}, false }
