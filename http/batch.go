package http

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// Batches answers lists of requests. actors/batch implements it.
type Batches interface {
	Do(ctx context.Context, spec messages.BatchSpec) (messages.Batch, error)
	Begin(spec messages.BatchSpec) (messages.Batch, error)
	Batch(tenant messages.TenantID, id messages.BatchID) (messages.Batch, error)
	Cancel(tenant messages.TenantID, id messages.BatchID) (messages.Batch, error)
}

// batchRequest is the body of POST /v1/chat/completions/batch.
type batchRequest struct {
	Requests []json.RawMessage `json:"requests"`
	Async    bool              `json:"async"`
}

// createBatch answers POST /v1/chat/completions/batch.
func (s *Server) createBatch(c *fiber.Ctx, x *exchange) error {
	asked, err := readBatchRequest(c)
	if err != nil {
		return err
	}
	base, err := s.newTurn(c, x)
	if err != nil {
		return err
	}
	if err := s.againUnderItsKey(x); err != nil {
		return err
	}
	base.Priority = messages.PriorityBatch
	spec := messages.BatchSpec{
		ID: messages.NewBatchID(x.id), Tenant: x.principal.Tenant, Requests: make([]messages.BatchRequest, len(asked.Requests)),
		Bytes: len(c.Request().Body()), Patience: s.cfg.TurnTimeout,
	}
	for i, raw := range asked.Requests {
		spec.Requests[i] = batched(base, raw)
	}
	if asked.Async {
		return s.beginBatch(c, spec)
	}
	spec.Deadline = base.Deadline
	return s.awaitBatch(c, x, spec)
}

// againUnderItsKey takes the key over from a request that died with it: a batch
// is asked for anew, since what it brought was kept nowhere.
func (s *Server) againUnderItsKey(x *exchange) error {
	if x.claim == nil {
		return nil
	}
	ctx, release := s.storeContext()
	defer release()
	return x.claim.restart(ctx, "")
}

func (s *Server) beginBatch(c *fiber.Ctx, spec messages.BatchSpec) error {
	b, err := s.batches.Begin(spec)
	if err != nil {
		return err
	}
	c.Status(fiber.StatusAccepted)
	showBatch(c, &b)
	return nil
}

// awaitBatch answers once all requests have an end. Those under way are given up
// when the client leaves, and when the server waits no longer.
func (s *Server) awaitBatch(c *fiber.Ctx, x *exchange, spec messages.BatchSpec) error {
	client, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	defer context.AfterFunc(s.cut, func() { cancel(shuttingDown()) })()
	waiting := &waiter{conn: c.Context().Conn(), cancel: cancel, since: x.begun, deadline: spec.Deadline.Add(lastWord)}
	ring := s.watch.ringOf(x)
	ring.add(waiting)
	defer ring.remove(waiting)
	b, err := s.batches.Do(client, spec)
	if err != nil {
		return err
	}
	showBatch(c, &b)
	return nil
}

// readBatchRequest reads a JSON object, or a request in each line.
func readBatchRequest(c *fiber.Ctx) (*batchRequest, error) {
	asked, body := new(batchRequest), c.Request().Body()
	if strings.HasPrefix(string(c.Request().Header.ContentType()), linesOfRequests) {
		asked.Requests = linesOf(bytes.Clone(body))
		asked.Async = c.QueryBool("async")
	} else if err := decodeStrictly(body, asked); err != nil {
		return nil, &messages.Failure{
			Code: messages.CodeInvalidJSON, What: "the body is no batch: " + strings.TrimPrefix(err.Error(), "json: "),
			Do: `send {"requests": [...]}, or a chat completion's body in each line as ` + linesOfRequests,
		}
	}
	switch n := len(asked.Requests); {
	case n == 0:
		return nil, invalid("requests", "there is nothing to ask", "give the bodies of chat completions")
	case n > messages.MostBatched:
		return nil, invalid("requests", fmt.Sprintf("there are %d requests", n), fmt.Sprintf("give at most %d at a time", messages.MostBatched))
	}
	return asked, nil
}

// batched is one request of a batch. What is wrong with it is its own affair.
func batched(base messages.TurnSpec, raw json.RawMessage) messages.BatchRequest {
	var line struct {
		CustomID string `json:"custom_id"`
	}
	_ = json.Unmarshal(raw, &line) // a body that is not JSON is refused below
	r := messages.BatchRequest{CustomID: line.CustomID, Turn: base}
	r.Turn.ID = NewRequestID()
	r.Err = batchedTurn(&r.Turn, chatBody(raw))
	model, id := r.Turn.Model, r.Turn.ID
	r.Collector = func() messages.Collector { return &wholeChat{id: id, model: model, created: id.Time()} }
	return r
}

// batchedTurn fills in what a body asks for. It is kept in a conversation of its
// own, or nowhere.
func batchedTurn(spec *messages.TurnSpec, body []byte) error {
	request, err := openai.DecodeChatRequest(body)
	if err != nil {
		return err
	}
	if request.Stream {
		return &messages.Failure{
			Code: messages.CodeUnsupported, What: "a request of a batch cannot be streamed", Param: "stream", Do: "leave stream out", NoRetry: true,
		}
	}
	spec.Model, spec.Input, spec.Options = request.Model, request.Input, request.Options
	if err := checkPlain("model", spec.Model); err != nil {
		return err
	}
	if request.Store == nil || !*request.Store {
		spec.Passthrough = &messages.Passthrough{Format: messages.FormatOpenAIChat, Body: body}
		return nil
	}
	if spec.Options.N > 1 {
		return invalid("n", "n is above 1 in a turn that is kept, which has one answer", "ask for one, or leave out store")
	}
	keepApart(spec)
	return nil
}

// getBatch answers GET /v1/chat/completions/batch/{id}.
func (s *Server) getBatch(c *fiber.Ctx, x *exchange) error {
	return showFound(c, x, s.batches.Batch)
}

// cancelBatch answers DELETE /v1/chat/completions/batch/{id}.
func (s *Server) cancelBatch(c *fiber.Ctx, x *exchange) error {
	return showFound(c, x, s.batches.Cancel)
}

func showFound(c *fiber.Ctx, x *exchange, of func(messages.TenantID, messages.BatchID) (messages.Batch, error)) error {
	b, err := of(x.principal.Tenant, messages.BatchID(strings.Clone(c.Params("id"))))
	if err != nil {
		return err
	}
	showBatch(c, &b)
	return nil
}

// batchHead is what a batch says of itself before its results.
type batchHead struct {
	ID        messages.BatchID     `json:"id"`
	Object    string               `json:"object"`
	Status    messages.BatchStatus `json:"status"`
	Counts    batchCounts          `json:"request_counts"`
	Created   int64                `json:"created_at"`
	Completed *int64               `json:"completed_at"`
	Expires   *int64               `json:"expires_at"`
}

type batchCounts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

func showBatch(c *fiber.Ctx, b *messages.Batch) {
	head := batchHead{
		ID: b.ID, Object: "chat.completion.batch", Status: b.Status, Created: b.Created.Unix(),
		Counts: batchCounts{Total: b.Total, Completed: b.Completed, Failed: b.Failed},
	}
	if !b.Ended.IsZero() {
		ended := b.Ended.Unix()
		head.Completed = &ended
	}
	if !b.Expires.IsZero() {
		expires := b.Expires.Unix()
		head.Expires = &expires
	}
	sendJSON(c, func(dst []byte) []byte { return appendBatch(dst, head, b.Results) })
}

// appendBatch writes a batch. Each result looks as in the files of OpenAI's
// batches; bodies are copied as they are.
func appendBatch(dst []byte, head batchHead, results []messages.BatchResult) []byte {
	encoded, _ := json.Marshal(head) // has nothing that cannot be
	dst = append(dst, encoded[:len(encoded)-1]...)
	dst = append(dst, `,"results":[`...)
	for i := range results {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendResult(dst, &results[i])
	}
	return append(dst, "]}"...)
}

func appendResult(dst []byte, r *messages.BatchResult) []byte {
	status, body := fiber.StatusOK, r.Body
	if r.Err != nil {
		failure := messages.AsFailure(r.Err)
		status, body = appearanceOf(failure).status, errorBody(failure)
	}
	customID := []byte("null")
	if r.CustomID != "" {
		customID, _ = json.Marshal(r.CustomID) // a string can be
	}
	dst = strconv.AppendInt(append(dst, `{"index":`...), int64(r.Index), 10)
	dst = append(append(dst, `,"custom_id":`...), customID...)
	dst = strconv.AppendInt(append(dst, `,"response":{"status_code":`...), int64(status), 10)
	dst = append(append(dst, `,"request_id":"`...), r.Request.String()...)
	dst = append(append(dst, `","body":`...), body...)
	return append(dst, "}}"...)
}
