package conversation

import (
	"context"
	"sync"
)

// patience is a context that ends storePatience after somebody first waits for
// its end. Most turns are settled without a wait, and then it costs no timer. Its
// parent never ends.
type patience struct {
	context.Context

	once    sync.Once
	bounded context.Context
	cancel  context.CancelFunc
}

// withPatience returns the context for what must be done also when ctx has ended.
// The caller releases it when nobody uses it any more.
func withPatience(ctx context.Context) (bounded context.Context, release func()) {
	p := &patience{Context: context.WithoutCancel(ctx)}
	return p, p.release
}

// Done implements context.Context. The time begins with the first call.
func (p *patience) Done() <-chan struct{} {
	p.once.Do(func() { p.bounded, p.cancel = context.WithTimeout(p.Context, storePatience) })
	return p.bounded.Done()
}

// Err implements context.Context.
func (p *patience) Err() error {
	select {
	case <-p.Done():
		return p.bounded.Err()
	default:
		return nil
	}
}

func (p *patience) release() {
	p.once.Do(func() {})
	if p.cancel != nil {
		p.cancel()
	}
}
