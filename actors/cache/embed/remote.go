package embed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages/wire/openai"
)

// Remote embeds with a server that has OpenAI's /v1/embeddings. Texts that come at
// the same time go in one call: such servers do many at the price of one. It works
// while Run does.
type Remote struct {
	cfg      Config
	client   *http.Client
	queue    chan *job
	sizes    prometheus.Histogram
	failures prometheus.Counter
}

// job is a text that waits for its vector.
type job struct {
	ctx   context.Context
	text  string
	reply chan vectored // has room for one
}

type vectored struct {
	vector []float32
	err    error
}

// mostWaiting is how many texts wait for a call. Beyond it they are refused: a
// question that waits longer than its time-out is a miss anyway.
const mostWaiting = 4096

var (
	errCrowded = errors.New("too many texts wait for the embedder")
	errStopped = errors.New("the embedder's batches are not sent any more")
)

// NewRemote returns an embedder that asks a server. Run has to be called.
func NewRemote(cfg Config, registerer prometheus.Registerer) *Remote {
	factory := promauto.With(registerer)
	return &Remote{
		cfg: cfg, queue: make(chan *job, mostWaiting),
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: cfg.Calls, MaxConnsPerHost: cfg.Calls, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		sizes: factory.NewHistogram(prometheus.HistogramOpts{
			Name: "chatbot_embed_batch_size", Help: "Texts that one call to the embedder carried.", Buckets: prometheus.ExponentialBuckets(1, 2, 12),
		}),
		failures: factory.NewCounter(prometheus.CounterOpts{
			Name: "chatbot_embed_failures_total", Help: "Calls to the embedder that failed.",
		}),
	}
}

// ID implements [Embedder].
func (r *Remote) ID() string { return "openai-" + r.cfg.Model }

// Calibrate implements [Embedder].
func (r *Remote) Calibrate(threshold float64) float32 {
	const known = 0.85
	return calibration{{0, 0}, {known, r.cfg.Cosine}, {1, 1}}.at(threshold)
}

// Embed implements [Embedder]. It waits for as long as the configuration says.
func (r *Remote) Embed(ctx context.Context, dst []float32, text string) ([]float32, error) {
	ctx, release := context.WithTimeout(ctx, r.cfg.Timeout)
	defer release()
	j := &job{ctx: ctx, text: text, reply: make(chan vectored, 1)}
	select {
	case r.queue <- j:
	default:
		return dst, errCrowded
	}
	select {
	case v := <-j.reply:
		if v.err != nil || !normalize(v.vector) {
			return dst, v.err
		}
		return append(dst, v.vector...), nil
	case <-ctx.Done():
		return dst, fmt.Errorf("wait for the embedder: %w", ctx.Err())
	}
}

// Run sends batches until ctx ends, and refuses what waits then.
func (r *Remote) Run(ctx context.Context) error {
	defer r.client.CloseIdleConnections()
	var calls sync.WaitGroup
	defer calls.Wait()
	defer r.refuseAll()
	room := make(chan struct{}, r.cfg.Calls)
	for {
		batch := r.collect(ctx)
		if batch == nil {
			return nil
		}
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			refuse(batch, errStopped)
			return nil
		}
		calls.Go(func() {
			defer func() { <-room }()
			r.send(ctx, batch)
		})
	}
}

// collect returns the texts that come within a moment of the first one; nil when
// ctx has ended.
func (r *Remote) collect(ctx context.Context) (batch []*job) {
	select {
	case first := <-r.queue:
		batch = append(batch, first)
	case <-ctx.Done():
		return nil
	}
	patience := time.NewTimer(r.cfg.BatchWait)
	defer patience.Stop()
	for len(batch) < r.cfg.BatchSize {
		select {
		case next := <-r.queue:
			batch = append(batch, next)
		case <-patience.C:
			return batch
		case <-ctx.Done():
			return batch
		}
	}
	return batch
}

// send embeds a batch. One that fails is tried text by text: the others need not
// suffer for one that the server refuses.
func (r *Remote) send(ctx context.Context, batch []*job) {
	waiting := batch[:0]
	for _, j := range batch {
		if j.ctx.Err() == nil { // nobody waits for the rest
			waiting = append(waiting, j)
		}
	}
	if len(waiting) == 0 {
		return
	}
	err := r.call(ctx, waiting)
	if err == nil || len(waiting) == 1 {
		refuse(waiting, err)
		return
	}
	for i := range waiting {
		refuse(waiting[i:i+1], r.call(ctx, waiting[i:i+1]))
	}
}

// refuse tells those who wait of an error, if there is one.
func refuse(batch []*job, err error) {
	if err == nil {
		return
	}
	for _, j := range batch {
		j.reply <- vectored{err: err}
	}
}

func (r *Remote) refuseAll() {
	for {
		select {
		case j := <-r.queue:
			refuse([]*job{j}, errStopped)
		default:
			return
		}
	}
}

// largestAnswer bounds what is read of the server's answer, in bytes.
const largestAnswer = 64 << 20

// call embeds texts with one request, and tells those who wait. It ends with the
// last of them.
func (r *Remote) call(ctx context.Context, batch []*job) error {
	texts := make([]string, len(batch))
	until := time.Time{}
	for i, j := range batch {
		texts[i] = j.text
		if deadline, has := j.ctx.Deadline(); has && deadline.After(until) {
			until = deadline
		}
	}
	ctx, release := context.WithDeadline(ctx, until)
	defer release()
	r.sizes.Observe(float64(len(batch)))
	vectors, err := r.ask(ctx, texts)
	if err != nil {
		r.failures.Inc()
		return err
	}
	for i, j := range batch {
		j.reply <- vectored{vector: vectors[i]}
	}
	return nil
}

func (r *Remote) ask(ctx context.Context, texts []string) ([][]float32, error) {
	body := openai.AppendEmbeddingsCall(nil, r.cfg.Model, texts)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(r.cfg.BaseURL, "/")+"/embeddings", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the embedder: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	if r.cfg.APIKey != "" {
		request.Header.Set("Authorization", "Bearer "+r.cfg.APIKey)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the embedder: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	answer, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the embedder's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the embedder answered with status %d", response.StatusCode)
	}
	return openai.DecodeEmbeddings(answer, len(texts))
}
