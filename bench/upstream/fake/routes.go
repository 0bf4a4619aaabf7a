package fake

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
)

// route is the whole surface.
func (s *Server) route(ctx *fasthttp.RequestCtx) {
	switch string(ctx.Method()) + " " + string(ctx.Path()) {
	case "POST /v1/chat/completions":
		s.answer(ctx, chatFormat{})
	case "POST /v1/messages":
		s.answer(ctx, messagesFormat{})
	case "GET /v1/models":
		s.listModels(ctx)
	case "POST /fault":
		s.switchFault(ctx)
	case "DELETE /fault":
		s.Restore(string(ctx.QueryArgs().Peek("model")))
	case "GET /calls":
		s.sendJSON(ctx, s.Calls())
	case "DELETE /calls":
		s.ResetCalls()
	case "POST /drop":
		ctx.SetConnectionClose()
		s.Drop()
	case "GET /healthz":
		ctx.SetBodyString("ok\n")
	default:
		s.refuse(ctx, formatOf(ctx), fasthttp.StatusNotFound, "there is no "+string(ctx.Path()))
	}
}

// format is how a provider writes what all of them say.
type format interface {
	// decode reads a request, whose reply will have the id. Its errors are
	// *messages.Failure.
	decode(body []byte, id messages.TurnID) (call, encoder, error)
	// appendError writes the body of an error.
	appendError(dst []byte, status int, message string) []byte
	appendModels(dst []byte, names []string) []byte
}

// encoder writes one reply, streamed or whole.
type encoder interface {
	append(dst []byte, c messages.Chunk) []byte
	whole(dst []byte, chunks []messages.Chunk) []byte
}

// formatOf tells the formats apart where the path does not: only Anthropic's
// clients name a version.
func formatOf(ctx *fasthttp.RequestCtx) format {
	if len(ctx.Request.Header.Peek("anthropic-version")) > 0 {
		return messagesFormat{}
	}
	return chatFormat{}
}

func (s *Server) refuse(ctx *fasthttp.RequestCtx, f format, status int, message string) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(f.appendError(nil, status, message))
}

func (s *Server) listModels(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("application/json")
	ctx.SetBody(formatOf(ctx).appendModels(nil, s.cfg.Models))
}

func (s *Server) switchFault(ctx *fasthttp.RequestCtx) {
	var wanted struct {
		Behaviour string `json:"behaviour"`
		Model     string `json:"model"`
	}
	err := json.Unmarshal(ctx.PostBody(), &wanted)
	if err == nil {
		err = s.Switch(wanted.Model, wanted.Behaviour)
	}
	if err != nil {
		s.refuse(ctx, chatFormat{}, fasthttp.StatusBadRequest, err.Error())
	}
}

func (s *Server) sendJSON(ctx *fasthttp.RequestCtx, v any) {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		s.refuse(ctx, chatFormat{}, fasthttp.StatusInternalServerError, err.Error())
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
}

// what is a failure's text, or the error's own.
func what(err error) string {
	if f, ok := errors.AsType[*messages.Failure](err); ok {
		return f.What
	}
	return err.Error()
}
