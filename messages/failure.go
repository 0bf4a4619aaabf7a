package messages

import (
	"errors"
	"time"
)

// Code names a failure for machines. Codes are part of the API: they are listed
// in docs/errors.md, and never change their meaning.
type Code string

// What can go wrong. http/errors.go holds the status and type of each.
const (
	CodeInternal Code = "internal_error"

	// The request's own fault.
	CodeInvalidRequest     Code = "invalid_request"
	CodeInvalidJSON        Code = "invalid_json"
	CodeUnsupported        Code = "unsupported" // valid, but the provider or Parley cannot do it
	CodeBodyTooLarge       Code = "request_too_large"
	CodeHeadersTooLarge    Code = "headers_too_large"
	CodeMethodNotAllowed   Code = "method_not_allowed"
	CodeContextLength      Code = "context_length_exceeded"
	CodeContentFilter      Code = "content_filter"
	CodeInvalidKey         Code = "invalid_api_key"
	CodePermission         Code = "permission_denied"
	CodeTooManyTries       Code = "too_many_failed_tries"
	CodeRouteNotFound      Code = "route_not_found"
	CodeModelNotFound      Code = "model_not_found"
	CodeCacheEntryAbsent   Code = "cache_entry_not_found"
	CodeWarmingAbsent      Code = "cache_warming_not_found"
	CodeConversationAbsent Code = "conversation_not_found"
	CodeResponseAbsent     Code = "previous_response_not_found"
	CodeItemAbsent         Code = "item_not_found"
	CodeBatchAbsent        Code = "batch_not_found"
	CodeBatchTooLarge      Code = "batch_too_large" // what batches take in memory is used up
	CodeTooManyTurns       Code = "too_many_turns"
	CodeTenantQueueFull    Code = "tenant_queue_full"   // as many of its turns wait as may
	CodeRateLimited        Code = "rate_limit_exceeded" // a limit of the tenant, its key, its model or its address
	CodeIdempotencyReuse   Code = "idempotency_key_reused"
	CodeIdempotencyRunning Code = "idempotency_key_in_use"
	CodeUpgradeRequired    Code = "upgrade_required" // a WebSocket, and nothing else, is opened there
	CodeOrigin             Code = "origin_not_allowed"
	CodeInvalidTicket      Code = "invalid_ticket"
	CodeTooManyConnections Code = "too_many_connections"
	CodeInvalidStream      Code = "invalid_stream_id"
	CodeStreamLimit        Code = "websocket_stream_limit_reached"
	CodeConnectionLimit    Code = "websocket_connection_limit_reached" // it was open for as long as one may be

	CodeBudgetExceeded Code = "budget_exceeded" // the request might pass a hard budget

	// The provider's fault, after every fallback.
	CodeProviderFailed      Code = "provider_failed"
	CodeProviderRejected    Code = "provider_rejected" // a 4xx that no other code names; Status is the provider's
	CodeProviderLimited     Code = "provider_rate_limited"
	CodeProviderQuota       Code = "insufficient_quota"
	CodeProviderUnavailable Code = "provider_unavailable" // every breaker is open
	CodeProviderBusy        Code = "provider_busy"        // every provider has as many calls as it takes well
	CodeProviderKey         Code = "provider_key_refused"
	CodeProviderTimeout     Code = "provider_timeout"

	// Ours.
	CodeOverloaded       Code = "overloaded"
	CodeShuttingDown     Code = "shutting_down"
	CodeDeadline         Code = "deadline_exceeded"
	CodeCancelled        Code = "cancelled"
	CodeSlowReader       Code = "slow_reader" // its stream was cut; the rest is in the store
	CodeStaleEpoch       Code = "conversation_moved"
	CodeRestarted        Code = "conversation_restarted" // its actor failed; the next message finds it again
	CodeStoreUnavailable Code = "store_unavailable"
	CodeStoreFull        Code = "storage_full"
	CodeEdgeCutOff       Code = "edge_cut_off" // an edge node needs the core, and cannot reach it
)

// Failure is an error that a person may see. Anything else that reaches the
// edge is shown as [CodeInternal] and logged with its detail.
type Failure struct {
	Code       Code
	What       string        // what was wrong, and where
	Do         string        // what the reader can do about it
	Param      string        // the field, as a path like messages[2].content; empty when none is to blame
	RetryAfter time.Duration // zero: not said
	NoRetry    bool          // trying again cannot help, whatever the status says
	Status     int           // of the provider's answer, where that is shown (CodeProviderRejected)
	Cause      error         // for the log; never sent to the client
}

// Error implements error.
func (f *Failure) Error() string {
	if f.Cause != nil {
		return string(f.Code) + ": " + f.What + ": " + f.Cause.Error()
	}
	return string(f.Code) + ": " + f.What
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// ErrProviderGone is the cause of a failure whose provider was there when the call
// was routed, and has been taken away since. Another route leads elsewhere.
var ErrProviderGone = errors.New("the provider was taken away")

// CodeOf returns the code of the Failure in err's chain, CodeInternal for any
// other error, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Code
	}
	return CodeInternal
}

// AsFailure returns the Failure in err's chain, or one of CodeInternal that
// wraps err and says nothing of it.
func AsFailure(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{
		Code: CodeInternal, What: "the server failed in a way that it did not expect",
		Do: "send the request again; the fault is in the server's log under the request's id", Cause: err,
	}
}
