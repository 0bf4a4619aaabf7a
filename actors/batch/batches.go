package batch

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// Batches are those that run and those whose results are kept. It is safe for
// concurrent use; Run owns the goroutines of those that nobody waits for.
type Batches struct {
	cfg     Config
	turns   Turns
	account *account
	metrics *metrics
	starts  chan *work

	mu      sync.Mutex
	known   map[messages.BatchID]*work // that may be asked for
	running map[messages.TenantID]int  // batches at work, those that are waited for included
	all     int                        // the sum of running
}

// New returns no batches. Run does the work of those that Begin begins.
func New(cfg Config, turns Turns, registerer prometheus.Registerer) *Batches {
	b := &Batches{
		cfg: cfg, turns: turns, account: newAccount(cfg.MaxBytes), starts: make(chan *work, cfg.MaxRunning),
		known: make(map[messages.BatchID]*work), running: make(map[messages.TenantID]int),
	}
	b.metrics = newMetrics(registerer, b)
	return b
}

// sweepsPerKeep is how often results are looked for that are to be forgotten.
const sweepsPerKeep = 8

// Run carries out what Begin begins, and forgets results, until ctx ends; what
// runs then is cancelled.
func (b *Batches) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	defer parts.Wait()
	sweep := time.NewTicker(b.cfg.KeepFor / sweepsPerKeep)
	defer sweep.Stop()
	for {
		select {
		case w := <-b.starts:
			parts.Go(func() {
				stop := context.AfterFunc(ctx, func() { w.cancel(cancelled("the server stops")) })
				defer stop()
				b.carryOut(w)
			})
		case now := <-sweep.C:
			b.sweep(now)
		case <-ctx.Done():
			return nil
		}
	}
}

// Do answers a batch and returns once all its requests have an end. It ends early
// with ctx. It fails with CodeTooManyTurns or CodeBatchTooLarge where there is no
// room for the batch.
func (b *Batches) Do(ctx context.Context, spec messages.BatchSpec) (messages.Batch, error) {
	w, err := b.admit(ctx, spec)
	if err != nil {
		return messages.Batch{}, err
	}
	b.carryOut(w)
	defer w.forget()
	done := w.look()
	done.Expires = time.Time{} // nobody can come back for it
	return done, context.Cause(ctx)
}

// Begin has a batch answered while nobody waits. It fails as Do does.
func (b *Batches) Begin(spec messages.BatchSpec) (messages.Batch, error) {
	w, err := b.admit(context.Background(), spec) // it outlives the request that asked for it: Run ends it
	if err != nil {
		return messages.Batch{}, err
	}
	b.mu.Lock()
	b.known[spec.ID] = w
	b.mu.Unlock()
	begun := w.look()
	b.starts <- w // has room for all that may run
	return begun, nil
}

// admit counts a batch in.
func (b *Batches) admit(ctx context.Context, spec messages.BatchSpec) (*work, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if own := b.running[spec.Tenant]; own >= b.cfg.MaxTenant || b.all >= b.cfg.MaxRunning {
		return nil, tooManyBatches(b.all, own)
	}
	if !b.account.take(spec.Tenant, int64(spec.Bytes)) {
		return nil, tooMuch()
	}
	b.running[spec.Tenant]++
	b.all++
	return newWork(ctx, spec, b.account, b.metrics.count), nil
}

// carryOut answers a batch and counts it out.
func (b *Batches) carryOut(w *work) {
	w.run(b.turns, b.cfg.Concurrency)
	w.finish(b.cfg.KeepFor)
	w.cancel(nil)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all--
	if b.running[w.spec.Tenant]--; b.running[w.spec.Tenant] == 0 {
		delete(b.running, w.spec.Tenant)
	}
}

// Batch is how far a tenant's batch is, with the results that there are. It fails
// with CodeBatchAbsent.
func (b *Batches) Batch(tenant messages.TenantID, id messages.BatchID) (messages.Batch, error) {
	w, err := b.find(tenant, id)
	if err != nil {
		return messages.Batch{}, err
	}
	return w.look(), nil
}

// Cancel ends a batch that runs: what is under way is given up, the rest is not
// asked, and the results that there are stay. One that has ended it forgets.
func (b *Batches) Cancel(tenant messages.TenantID, id messages.BatchID) (messages.Batch, error) {
	w, err := b.find(tenant, id)
	if err != nil {
		return messages.Batch{}, err
	}
	seen := w.look()
	if running, _ := w.runs(); !running {
		b.forget(w)
		return seen, nil
	}
	w.cancel(cancelled("by its tenant"))
	return w.look(), nil
}

func (b *Batches) find(tenant messages.TenantID, id messages.BatchID) (*work, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.known[id]
	if w == nil || w.spec.Tenant != tenant {
		return nil, noSuchBatch()
	}
	return w, nil
}

func (b *Batches) forget(w *work) {
	b.mu.Lock()
	delete(b.known, w.spec.ID)
	b.mu.Unlock()
	w.forget()
}

// sweep forgets results whose time is over.
func (b *Batches) sweep(now time.Time) {
	b.mu.Lock()
	known := slices.Collect(maps.Values(b.known))
	b.mu.Unlock()
	for _, w := range known {
		if running, expires := w.runs(); !running && now.After(expires) {
			b.forget(w)
		}
	}
}

// atWork is how many batches run.
func (b *Batches) atWork() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all
}
