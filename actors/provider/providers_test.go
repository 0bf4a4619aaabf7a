package provider_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/actors/provider"
	"example.com/parley/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open calls a target of providers that are configured so.
func open(t *testing.T, ctx context.Context, cfg provider.Config, target messages.Target, call *messages.Call) (provider.Answer, error) { //nolint:revive // the test comes first
	t.Helper()
	p, err := provider.New(cfg, provider.Deps{Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p.Open(ctx, target, call)
}

// reply is an answer as a client would see it.
type reply struct {
	served messages.Served
	text   string
	finish messages.FinishReason
	usage  *messages.Usage
	chunks []messages.Chunk
	err    error
}

// read takes an answer to its end.
func read(answer provider.Answer, err error) (r reply) {
	if err != nil {
		return reply{err: err}
	}
	defer answer.Close() //nolint:errcheck // there is nothing to be lost
	for {
		c, err := answer.Next()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			r.err = err
			return r
		}
		r.chunks = append(r.chunks, c)
		switch c.Kind {
		case messages.ChunkOpened:
			r.served = *c.Served
		case messages.ChunkFinish:
			r.finish = c.Finish
		case messages.ChunkUsage:
			r.usage = c.Usage
		default:
			r.text += c.Text
		}
	}
}

func TestSimulatedProviderIsAlwaysThere(t *testing.T) {
	t.Parallel()
	call := &messages.Call{Items: []messages.Item{messages.TextMessage(messages.RoleUser, "hello there")}}
	r := read(open(t, t.Context(), nil, messages.Target{Provider: "simulated", Model: "echo"}, call))
	if r.err != nil || r.text != "hello there" || !r.served.Simulated || r.finish != messages.FinishStop || r.usage == nil {
		t.Errorf("got %+v", r)
	}
}
