package http

import (
	"context"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// Embeddings turns texts into vectors, as the cache does. actors/cache/embed
// implements it.
type Embeddings interface {
	ID() string
	// Embed appends the vector of a text to dst, or nothing where it has none.
	Embed(ctx context.Context, dst []float32, text string) ([]float32, error)
}

// anyEmbedder is the name by which clients ask for whichever embedder there is.
const anyEmbedder = "parley-embedding"

// mostEmbedded is how many bytes of text one request may have, at some four a token.
const mostEmbedded = 300_000 * 4

// createEmbeddings answers POST /v1/embeddings.
func (s *Server) createEmbeddings(c *fiber.Ctx, x *exchange) error {
	request, err := openai.DecodeEmbeddingsRequest(c.Request().Body())
	if err != nil {
		return err
	}
	if err := s.checkEmbeddings(request, x.principal.Allowed); err != nil {
		return err
	}
	tokens := 0
	for _, text := range request.Inputs {
		tokens += messages.TokensOf(len(text))
	}
	held, rates, err := s.limits.Begin(x.use(request.Model), tokens)
	showRates(c, &rates)
	if err != nil {
		return err
	}
	if held != nil {
		defer held.Settle(tokens)
	}
	ctx, release := context.WithTimeout(s.cut, s.cfg.TurnTimeout)
	defer release()
	vectors, err := s.embed(ctx, request)
	if err != nil {
		return err
	}
	c.Set("x-parley-model", s.embeddings.ID())
	sendJSON(c, func(dst []byte) []byte {
		return openai.AppendEmbeddings(dst, request.Model, vectors, request.Base64, tokens)
	})
	return nil
}

func (s *Server) checkEmbeddings(request *openai.EmbeddingsRequest, allowed *messages.Allowed) error {
	if !allowed.Model(request.Model) {
		return &messages.Failure{
			Code: messages.CodePermission, What: fmt.Sprintf("this key may not use the embedder %.64q", request.Model), Param: "model", NoRetry: true,
			Do: "have an operator allow " + anyEmbedder + ": parley key change, parley tenant change",
		}
	}
	if request.Model != anyEmbedder && request.Model != s.embeddings.ID() {
		return &messages.Failure{
			Code: messages.CodeModelNotFound, What: fmt.Sprintf("there is no embedder %.64q", request.Model), Param: "model",
			Do: "give " + anyEmbedder + " or " + s.embeddings.ID(),
		}
	}
	size := 0
	for _, text := range request.Inputs {
		size += len(text)
	}
	if size > mostEmbedded {
		return invalid("input", "input has more than 300,000 tokens", "send it in several requests")
	}
	return nil
}

// embed finds the vectors in the order of the texts. All are asked for at the same
// time, so that an embedder which is a server gets them together.
func (s *Server) embed(ctx context.Context, request *openai.EmbeddingsRequest) ([][]float32, error) {
	type found struct {
		place  int
		vector []float32
		err    error
	}
	results := make(chan found, len(request.Inputs))
	turns := make(chan struct{}, embeddedAtOnce)
	for i, text := range request.Inputs {
		turns <- struct{}{}
		go func() { // ends with ctx at the latest
			v, err := s.embeddings.Embed(ctx, nil, text)
			<-turns
			results <- found{i, v, err}
		}()
	}
	vectors := make([][]float32, len(request.Inputs))
	var failed error
	for range request.Inputs {
		r := <-results
		switch {
		case r.err != nil:
			failed = &messages.Failure{
				Code: messages.CodeProviderUnavailable, What: "the embedder did not answer", Do: "try again; an operator finds more in cache.embed and its server",
				RetryAfter: time.Second, Cause: r.err,
			}
		case request.Dimensions != nil && len(r.vector) != *request.Dimensions && len(r.vector) > 0:
			failed = invalid("dimensions", fmt.Sprintf("this embedder's vectors have %d dimensions", len(r.vector)), "leave dimensions out, or give that")
		case len(r.vector) == 0:
			failed = invalid(fmt.Sprintf("input[%d]", r.place), "the text has nothing that the embedder knows", "leave it out")
		}
		vectors[r.place] = r.vector
	}
	return vectors, failed
}

// embeddedAtOnce is how many texts of one request are asked for at a time.
const embeddedAtOnce = 256
