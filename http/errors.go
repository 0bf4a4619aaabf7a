package http

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// statusCancelled is what proxies write in their logs for a client that left
// before its answer. Nobody reads it but a person in front of a metric.
const statusCancelled = 499

// advice tells a client's SDK whether to try again. SDKs try 408, 409, 429 and
// 5xx by themselves; the header decides where it is there.
type advice uint8

const (
	unsaid advice = iota
	again         // x-should-retry: true, and Retry-After
	never         // x-should-retry: false
)

// appearance is how a failure looks on the wire. Its type is the format's
// affair, see openai.ErrorOf.
type appearance struct {
	status int
	retry  advice
}

// appearances is the one place where a code becomes a status. A test checks
// that no code is missing here or in docs/errors.md.
var appearances = map[messages.Code]appearance{
	messages.CodeInternal: {status: fiber.StatusInternalServerError},

	messages.CodeInvalidRequest:     {status: fiber.StatusBadRequest},
	messages.CodeInvalidJSON:        {status: fiber.StatusBadRequest},
	messages.CodeUnsupported:        {status: fiber.StatusBadRequest},
	messages.CodeContextLength:      {status: fiber.StatusBadRequest},
	messages.CodeContentFilter:      {status: fiber.StatusBadRequest},
	messages.CodeBodyTooLarge:       {status: fiber.StatusRequestEntityTooLarge},
	messages.CodeHeadersTooLarge:    {status: fiber.StatusRequestHeaderFieldsTooLarge},
	messages.CodeMethodNotAllowed:   {status: fiber.StatusMethodNotAllowed},
	messages.CodeInvalidKey:         {status: fiber.StatusUnauthorized},
	messages.CodePermission:         {status: fiber.StatusForbidden},
	messages.CodeTooManyTries:       {status: fiber.StatusTooManyRequests, retry: never},
	messages.CodeRouteNotFound:      {status: fiber.StatusNotFound},
	messages.CodeModelNotFound:      {status: fiber.StatusNotFound},
	messages.CodeCacheEntryAbsent:   {status: fiber.StatusNotFound},
	messages.CodeWarmingAbsent:      {status: fiber.StatusNotFound},
	messages.CodeConversationAbsent: {status: fiber.StatusNotFound},
	messages.CodeResponseAbsent:     {status: fiber.StatusNotFound},
	messages.CodeItemAbsent:         {status: fiber.StatusNotFound},
	messages.CodeBatchAbsent:        {status: fiber.StatusNotFound},
	messages.CodeBatchTooLarge:      {status: fiber.StatusRequestEntityTooLarge},
	messages.CodeTooManyTurns:       {status: fiber.StatusTooManyRequests, retry: again},
	messages.CodeTenantQueueFull:    {status: fiber.StatusTooManyRequests, retry: again},
	messages.CodeRateLimited:        {status: fiber.StatusTooManyRequests, retry: again},
	messages.CodeIdempotencyReuse:   {status: fiber.StatusUnprocessableEntity},
	messages.CodeIdempotencyRunning: {status: fiber.StatusConflict, retry: again},
	messages.CodeUpgradeRequired:    {status: fiber.StatusUpgradeRequired},
	messages.CodeOrigin:             {status: fiber.StatusForbidden},
	messages.CodeInvalidTicket:      {status: fiber.StatusUnauthorized, retry: never},
	messages.CodeTooManyConnections: {status: fiber.StatusTooManyRequests, retry: again},
	messages.CodeInvalidStream:      {status: fiber.StatusBadRequest},
	messages.CodeStreamLimit:        {status: fiber.StatusBadRequest},
	messages.CodeConnectionLimit:    {status: fiber.StatusBadRequest},

	messages.CodeBudgetExceeded: {status: fiber.StatusTooManyRequests}, // the failure says whether it may pass

	messages.CodeProviderFailed:      {status: fiber.StatusBadGateway},
	messages.CodeProviderRejected:    {status: fiber.StatusBadRequest}, // or the provider's own 4xx
	messages.CodeProviderLimited:     {status: fiber.StatusTooManyRequests},
	messages.CodeProviderQuota:       {status: fiber.StatusTooManyRequests, retry: never},
	messages.CodeProviderUnavailable: {status: fiber.StatusServiceUnavailable},
	messages.CodeProviderBusy:        {status: fiber.StatusServiceUnavailable, retry: again},
	messages.CodeProviderKey:         {status: fiber.StatusBadGateway, retry: never},
	messages.CodeProviderTimeout:     {status: fiber.StatusGatewayTimeout},

	messages.CodeOverloaded:       {status: fiber.StatusServiceUnavailable, retry: again},
	messages.CodeShuttingDown:     {status: fiber.StatusServiceUnavailable, retry: again},
	messages.CodeDeadline:         {status: fiber.StatusGatewayTimeout},
	messages.CodeCancelled:        {status: statusCancelled},
	messages.CodeSlowReader:       {status: fiber.StatusServiceUnavailable, retry: again},
	messages.CodeStaleEpoch:       {status: fiber.StatusServiceUnavailable, retry: again},
	messages.CodeRestarted:        {status: fiber.StatusServiceUnavailable, retry: again},
	messages.CodeStoreUnavailable: {status: fiber.StatusServiceUnavailable, retry: again},
	messages.CodeStoreFull:        {status: fiber.StatusInsufficientStorage, retry: never},
	messages.CodeEdgeCutOff:       {status: fiber.StatusServiceUnavailable, retry: again},
}

// soon is how long a client waits that was told to come again and not when.
const soon = time.Second

// appearanceOf looks a failure up, and lets it say what only it knows.
func appearanceOf(f *messages.Failure) appearance {
	a, known := appearances[f.Code]
	if !known {
		a = appearances[messages.CodeInternal]
	}
	if f.Code == messages.CodeProviderRejected && f.Status >= 400 && f.Status < 500 {
		a.status = f.Status
	}
	if f.NoRetry {
		a.retry = never
	}
	return a
}

// showError is the one place where an error meets a client. Handlers return
// errors; none writes its own.
func (s *Server) showError(c *fiber.Ctx, x *exchange, err error) {
	f := messages.AsFailure(err)
	s.noteFailure(x, f)
	Show(c, f)
}

// Show answers with a failure: status, advice and body. It is exported for the
// operators' listener, whose errors look like these.
func Show(c *fiber.Ctx, f *messages.Failure) {
	a := appearanceOf(f)
	response := &c.Context().Response
	response.ResetBody()
	advise(c, f, a.retry)
	c.Status(a.status)
	response.Header.SetContentType(fiber.MIMEApplicationJSON)
	response.SetBodyRaw(errorBody(f))
}

// errorBody is what a client reads of a failure.
func errorBody(f *messages.Failure) []byte { return openai.AppendError(nil, openai.ErrorOf(f)) }

// advise writes the headers that SDKs decide on.
func advise(c *fiber.Ctx, f *messages.Failure, retry advice) {
	switch retry {
	case again:
		c.Set("x-should-retry", "true")
	case never:
		c.Set("x-should-retry", "false")
	}
	wait := f.RetryAfter
	if wait <= 0 && retry == again {
		wait = soon
	}
	if wait > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
		c.Set("retry-after-ms", strconv.FormatInt(int64((wait+time.Millisecond-1)/time.Millisecond), 10))
	}
}
