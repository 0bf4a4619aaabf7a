package anthropic

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"example.com/parley/messages"
)

// wireError is the member "error" of an error's body and of an error event.
type wireError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// maxMessage bounds what is shown of a provider's words, in bytes.
const maxMessage = 500

// DecodeError turns the provider's answer to a request that it did not serve
// into a failure. The provider's words are shown where they are about the
// request, and never where they are about our key or account.
func DecodeError(status int, retryAfter time.Duration, body []byte) *messages.Failure {
	var answer struct {
		Error *wireError `json:"error"`
	}
	_ = lenient(body, &answer) // a proxy's page has no error member: the status says it all
	return answer.Error.failure(status, retryAfter)
}

// failure decides by the error's type, which says more than the status, and by
// the status where there is none. Source: Anthropic's list of errors.
func (e *wireError) failure(status int, retryAfter time.Duration) *messages.Failure {
	if e == nil {
		e = &wireError{}
	}
	kind := e.Type
	if kind == "" {
		kind = ErrorKind(status)
	}
	f, known := e.classify(kind)
	if !known {
		f, _ = e.classify(ErrorKind(status))
	}
	f.RetryAfter = retryAfter
	if f.Code == messages.CodeProviderRejected {
		f.Status = status
	}
	return f
}

func (e *wireError) classify(kind string) (f *messages.Failure, known bool) {
	switch kind {
	case "authentication_error", "permission_error":
		return &messages.Failure{
			Code: messages.CodeProviderKey, What: "the provider refused the server's key",
			Do: "ask the operator to check the provider's key and what it may use", NoRetry: true,
			Cause: errors.New("the provider says" + e.quoted()),
		}, true
	case "billing_error":
		return noQuota(), true
	case "rate_limit_error":
		return &messages.Failure{
			Code: messages.CodeProviderLimited, What: "the provider limits how often the server may ask",
			Do: "try again later",
		}, true
	case "overloaded_error":
		return &messages.Failure{
			Code: messages.CodeProviderFailed, What: "the provider is overloaded",
			Do: "try again in a few seconds",
		}, true
	case "timeout_error":
		return &messages.Failure{
			Code: messages.CodeProviderTimeout, What: "the provider ran out of time",
			Do: "try again, or stream the reply",
		}, true
	case "invalid_request_error", "not_found_error", "request_too_large", "conflict_error":
		return e.rejected(kind), true
	default:
		return &messages.Failure{
			Code: messages.CodeProviderFailed, What: "the provider failed" + e.quoted(),
			Do: "try again in a few seconds",
		}, kind == "api_error"
	}
}

// rejected tells the faults of a request apart by Anthropic's words, for which
// it has no codes.
func (e *wireError) rejected(kind string) *messages.Failure {
	words := strings.ToLower(e.Message)
	f := &messages.Failure{
		Code: messages.CodeProviderRejected, What: "the provider rejected the request" + e.quoted(),
		Do: "change the request as the provider says", NoRetry: true,
	}
	switch {
	case kind == "not_found_error" && strings.HasPrefix(words, "model:"):
		f.Code, f.What, f.Param = messages.CodeModelNotFound, "the provider has no such model"+e.quoted(), "model"
		f.Do = "choose a model that GET /v1/models lists"
	case kind == "request_too_large":
		f.Code, f.Do = messages.CodeBodyTooLarge, "send less at once"
	case strings.Contains(words, "prompt is too long"), strings.Contains(words, "exceed context limit"), strings.Contains(words, "context window"):
		f.Code, f.Param = messages.CodeContextLength, "messages"
		f.Do = "send a shorter history, ask for fewer tokens, or choose a model with a larger context"
	case strings.Contains(words, "credit balance"):
		return noQuota()
	}
	return f
}

func noQuota() *messages.Failure {
	return &messages.Failure{
		Code: messages.CodeProviderQuota, What: "the server's account at the provider is out of credit",
		Do: "ask the operator to check the provider's billing", NoRetry: true,
	}
}

// quoted is the provider's message behind a colon, on one line, or nothing.
func (e *wireError) quoted() string {
	text := strings.Join(strings.FieldsFunc(e.Message[:min(len(e.Message), maxMessage)], func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if text == "" {
		return ""
	}
	return ": " + strings.ToValidUTF8(text, "")
}

// ErrorKind is the type of error that goes with a status.
func ErrorKind(status int) string {
	switch status {
	case 400, 422:
		return "invalid_request_error"
	case 401:
		return "authentication_error"
	case 402:
		return "billing_error"
	case 403:
		return "permission_error"
	case 404:
		return "not_found_error"
	case 409:
		return "conflict_error"
	case 413:
		return "request_too_large"
	case 429:
		return "rate_limit_error"
	case 408, 504:
		return "timeout_error"
	case 503, 529:
		return "overloaded_error"
	default:
		if status >= 400 && status < 500 {
			return "invalid_request_error"
		}
		return "api_error"
	}
}

// AppendError writes an error's body. kind is one of Anthropic's, see [ErrorKind].
func AppendError(dst []byte, kind, message string) []byte {
	w := begin(dst)
	w.string("type", "error")
	w.name("error")
	e := begin(w.dst)
	e.string("type", kind)
	e.string("message", message)
	w.dst = e.end()
	return w.end()
}

// kindOf is the type of error that goes with one of our codes.
func kindOf(code messages.Code) string {
	switch code {
	case messages.CodeInvalidKey:
		return "authentication_error"
	case messages.CodePermission:
		return "permission_error"
	case messages.CodeProviderQuota, messages.CodeBudgetExceeded:
		return "billing_error"
	case messages.CodeModelNotFound, messages.CodeConversationAbsent, messages.CodeCacheEntryAbsent, messages.CodeWarmingAbsent, messages.CodeResponseAbsent, messages.CodeItemAbsent, messages.CodeBatchAbsent:
		return "not_found_error"
	case messages.CodeBodyTooLarge, messages.CodeBatchTooLarge:
		return "request_too_large"
	case messages.CodeProviderLimited, messages.CodeTooManyTurns, messages.CodeRateLimited, messages.CodeTenantQueueFull, messages.CodeTooManyTries:
		return "rate_limit_error"
	case messages.CodeProviderUnavailable, messages.CodeOverloaded, messages.CodeShuttingDown:
		return "overloaded_error"
	case messages.CodeProviderTimeout, messages.CodeDeadline:
		return "timeout_error"
	case messages.CodeInvalidRequest, messages.CodeInvalidJSON, messages.CodeUnsupported,
		messages.CodeContextLength, messages.CodeContentFilter, messages.CodeProviderRejected:
		return "invalid_request_error"
	default:
		return "api_error"
	}
}
