package openai

import "example.com/parley/messages"

// Error is the body of an error in OpenAI's shape.
type Error struct {
	Message string
	Type    string // of OpenAI's: invalid_request_error, authentication_error and so on
	Param   string // the field to blame; empty is written as null
	Code    string // empty is written as null
}

// AppendError writes {"error":{...}} behind dst.
func AppendError(dst []byte, e Error) []byte {
	w := begin(dst)
	w.name("error")
	o := begin(w.dst)
	o.error(e)
	w.dst = o.end()
	return w.end()
}

func (o *object) error(e Error) {
	o.string("message", e.Message)
	o.string("type", e.Type)
	o.stringOrNull("param", e.Param)
	o.stringOrNull("code", e.Code)
}

// ErrorOf is what a client reads of a failure.
func ErrorOf(f *messages.Failure) Error {
	e := Error{Message: f.What, Type: errorType(f), Param: f.Param, Code: string(f.Code)}
	if f.Do != "" {
		e.Message += "; " + f.Do
	}
	return e
}

// errorType is OpenAI's word for a failure: its clients choose by the status
// first, and by this where there is none, as in a stream.
func errorType(f *messages.Failure) string {
	switch f.Code {
	case messages.CodeInvalidKey, messages.CodeInvalidTicket:
		return "authentication_error"
	case messages.CodePermission, messages.CodeOrigin:
		return "permission_error"
	case messages.CodeRouteNotFound, messages.CodeModelNotFound, messages.CodeConversationAbsent, messages.CodeCacheEntryAbsent, messages.CodeWarmingAbsent,
		messages.CodeResponseAbsent, messages.CodeItemAbsent, messages.CodeBatchAbsent:
		return "not_found_error"
	case messages.CodeTooManyTurns, messages.CodeRateLimited, messages.CodeTenantQueueFull, messages.CodeTooManyTries, messages.CodeProviderLimited, messages.CodeOverloaded,
		messages.CodeTooManyConnections:
		return "rate_limit_error"
	case messages.CodeProviderQuota, messages.CodeBudgetExceeded:
		return "insufficient_quota"
	case messages.CodeInvalidRequest, messages.CodeInvalidJSON, messages.CodeUnsupported, messages.CodeBodyTooLarge, messages.CodeBatchTooLarge,
		messages.CodeHeadersTooLarge, messages.CodeMethodNotAllowed, messages.CodeContextLength, messages.CodeContentFilter,
		messages.CodeIdempotencyReuse, messages.CodeIdempotencyRunning, messages.CodeProviderRejected,
		messages.CodeUpgradeRequired, messages.CodeInvalidStream, messages.CodeStreamLimit, messages.CodeConnectionLimit:
		return "invalid_request_error"
	default:
		return "server_error"
	}
}
