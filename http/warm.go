package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// Warmer fills the cache ahead. actors/cache implements it.
type Warmer interface {
	Warm(spec messages.WarmingSpec) (messages.Warming, error)
	Warming(tenant messages.TenantID, id messages.WarmingID) (messages.Warming, error)
	Cancel(tenant messages.TenantID, id messages.WarmingID) (messages.Warming, error)
}

// warmRequest is the body of POST /v1/cache/warm.
type warmRequest struct {
	Model        string            `json:"model"`
	Instructions string            `json:"instructions"`
	Prompts      []string          `json:"prompts"`
	Requests     []json.RawMessage `json:"requests"`
	PerMinute    *int              `json:"requests_per_minute"`
	Budget       *int64            `json:"budget_nano_dollars"`
}

// What holds where a request does not say.
const (
	warmPerMinute = 60
	warmBudget    = 1_000_000_000 // nano-dollars: one dollar
)

// linesOfRequests is the type of a body that has a request in each line.
const linesOfRequests = "application/jsonl"

// warmCache answers POST /v1/cache/warm.
func (s *Server) warmCache(c *fiber.Ctx, x *exchange) error {
	asked, err := readWarmRequest(c)
	if err != nil {
		return err
	}
	base, err := s.newTurn(c, x)
	if err != nil {
		return err
	}
	spec := messages.WarmingSpec{
		ID: messages.NewWarmingID(x.id), Tenant: x.principal.Tenant, PerMinute: warmPerMinute, Budget: warmBudget, Patience: s.cfg.TurnTimeout,
	}
	if asked.PerMinute != nil {
		spec.PerMinute = *asked.PerMinute
	}
	if asked.Budget != nil {
		spec.Budget = messages.NanoDollars(*asked.Budget)
	}
	if spec.PerMinute < 1 || spec.PerMinute > messages.MaxWarmingPerMinute {
		return invalid("requests_per_minute", fmt.Sprintf("requests_per_minute is %d", spec.PerMinute), fmt.Sprintf("give from 1 to %d", messages.MaxWarmingPerMinute))
	}
	if spec.Budget < 1 {
		return invalid("budget_nano_dollars", "budget_nano_dollars is not above 0", "give billionths of a dollar, such as 500000000 for half a dollar")
	}
	if spec.Turns, err = warmTurns(&base, asked); err != nil {
		return err
	}
	w, err := s.warmer.Warm(spec)
	if err != nil {
		return err
	}
	return c.Status(fiber.StatusAccepted).JSON(shownWarming(&w))
}

// readWarmRequest reads a JSON object, or a request in each line.
func readWarmRequest(c *fiber.Ctx) (*warmRequest, error) {
	asked, body := new(warmRequest), c.Request().Body()
	if strings.HasPrefix(string(c.Request().Header.ContentType()), linesOfRequests) {
		asked.Requests = linesOf(body)
		return asked, nil
	}
	if err := decodeStrictly(body, asked); err != nil {
		return nil, &messages.Failure{
			Code: messages.CodeInvalidJSON, What: "the body is no request to warm the cache: " + strings.TrimPrefix(err.Error(), "json: "),
			Do: `send {"model": ..., "prompts": [...]}, or a chat completion's body in each line as ` + linesOfRequests,
		}
	}
	return asked, nil
}

// linesOf returns the lines of a body that have something in them, as they are in
// it.
func linesOf(body []byte) (lines []json.RawMessage) {
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

// decodeStrictly reads a JSON object that has no members that into has not, and
// nothing behind it.
func decodeStrictly(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the object")
	}
	return nil
}

// warmTurns are the turns that a request asks for.
func warmTurns(base *messages.TurnSpec, asked *warmRequest) (turns []messages.TurnSpec, err error) {
	switch n := len(asked.Prompts) + len(asked.Requests); {
	case n == 0:
		return nil, invalid("prompts", "there is nothing to ask", "give prompts, or requests")
	case n > messages.MostWarmed:
		return nil, invalid("prompts", fmt.Sprintf("there are %d requests", n), fmt.Sprintf("give at most %d at a time", messages.MostWarmed))
	case len(asked.Prompts) > 0 && asked.Model == "":
		return nil, invalid("model", "there are prompts, and no model", "name the model that answers them")
	}
	for i, prompt := range asked.Prompts {
		turn := *base
		if strings.TrimSpace(prompt) == "" {
			return nil, invalid(fmt.Sprintf("prompts[%d]", i), "the prompt is empty", "leave it out")
		}
		if turn.Model = asked.Model; asked.Instructions != "" {
			turn.Input = append(turn.Input, messages.TextMessage(messages.RoleSystem, asked.Instructions))
		}
		turn.Input = append(turn.Input, messages.TextMessage(messages.RoleUser, prompt))
		turns = append(turns, turn)
	}
	for i, raw := range asked.Requests {
		request, err := openai.DecodeChatRequest(chatBody(raw))
		if err != nil {
			return nil, blame(err, fmt.Sprintf("requests[%d]", i))
		}
		turn := *base
		turn.Model, turn.Input, turn.Options = request.Model, request.Input, request.Options
		turns = append(turns, turn)
	}
	for i := range turns {
		if err := checkPlain("model", turns[i].Model); err != nil {
			return nil, err
		}
	}
	return turns, nil
}

// chatBody is the body of a line of OpenAI's batch files, or the line itself.
func chatBody(line []byte) []byte {
	var batched struct {
		Body json.RawMessage `json:"body"`
	}
	if json.Unmarshal(line, &batched) == nil && len(batched.Body) > 0 {
		return batched.Body
	}
	return line
}

// getWarming answers GET /v1/cache/warm/{id}.
func (s *Server) getWarming(c *fiber.Ctx, x *exchange) error {
	return showWarming(c, x, s.warmer.Warming)
}

// cancelWarming answers DELETE /v1/cache/warm/{id}.
func (s *Server) cancelWarming(c *fiber.Ctx, x *exchange) error {
	return showWarming(c, x, s.warmer.Cancel)
}

func showWarming(c *fiber.Ctx, x *exchange, of func(messages.TenantID, messages.WarmingID) (messages.Warming, error)) error {
	w, err := of(x.principal.Tenant, messages.WarmingID(strings.Clone(c.Params("id"))))
	if err != nil {
		return err
	}
	return c.JSON(shownWarming(&w))
}

// warming is a warming on the wire.
type warming struct {
	ID      messages.WarmingID     `json:"id"`
	Object  string                 `json:"object"`
	Status  messages.WarmingStatus `json:"status"`
	Counts  warmingCounts          `json:"request_counts"`
	Failure messages.Code          `json:"last_failure,omitempty"`
	Spent   messages.NanoDollars   `json:"spent_nano_dollars"`
	Budget  messages.NanoDollars   `json:"budget_nano_dollars"`
	Created int64                  `json:"created_at"`
	Ended   *int64                 `json:"ended_at"`
}

type warmingCounts struct {
	Total  int `json:"total"`
	Kept   int `json:"kept"`   // a model answered
	Known  int `json:"known"`  // the cache had a reply
	Unfit  int `json:"unfit"`  // the cache keeps none to such a request
	Failed int `json:"failed"` // no model answered
}

func shownWarming(w *messages.Warming) warming {
	shown := warming{
		ID: w.ID, Object: "cache.warming", Status: w.Status, Failure: w.Failure, Spent: w.Spent, Budget: w.Budget, Created: w.Created.Unix(),
		Counts: warmingCounts{Total: w.Total, Kept: w.Kept, Known: w.Known, Unfit: w.Unfit, Failed: w.Failed},
	}
	if !w.Ended.IsZero() {
		ended := w.Ended.Unix()
		shown.Ended = &ended
	}
	return shown
}
