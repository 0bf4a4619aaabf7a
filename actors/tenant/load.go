package tenant

import (
	"context"
	"fmt"
	"time"

	"example.com/parley/messages"
)

// lookup asks the actor for a key that the keyring does not have.
type lookup struct {
	id    messages.KeyID
	reply chan<- answer // capacity 1
}

// answer is what came of it.
type answer struct {
	known known
	err   error // nil, or a *messages.Failure: nobody knows
}

// loaded tells the actor what the store said of a key.
type loaded struct {
	id     messages.KeyID
	era    uint64 // in which it was asked
	answer answer
}

// versioned tells the actor whether keys have changed.
type versioned struct {
	version uint64
	err     error
}

// absentFor is how long it is remembered that there is no such key.
const absentFor = 10 * time.Second

// load asks the store for one key. It runs in a goroutine of its own, which ends
// with the actor or its time-out.
func (k *Keys) load(running context.Context, id messages.KeyID, era uint64, tell func(any)) {
	m := &loaded{id: id, era: era, answer: answer{err: storeAway(nil)}}
	defer func() {
		if p := recover(); p != nil {
			m.answer.err = storeAway(fmt.Errorf("panic: %v", p))
		}
		k.metrics.loaded(m.answer)
		if running.Err() == nil {
			tell(m)
		}
	}()
	ctx, cancel := context.WithTimeout(running, k.cfg.LoadTimeout)
	defer cancel()
	key, err := k.store.Key(ctx, id)
	switch {
	case err == nil:
		m.answer = answer{known: knownOf(key, k.uses.of(id))}
	case messages.CodeOf(err) == messages.CodeInvalidKey:
		m.answer = answer{known: known{until: time.Now().Add(absentFor)}}
	default:
		m.answer = answer{err: storeAway(err)}
	}
}

// watch asks the store again and again whether keys have changed, until ctx
// ends.
func (k *Keys) watch(ctx context.Context, tell func(any)) {
	ticker := time.NewTicker(k.cfg.Refresh)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if m := k.ask(ctx); ctx.Err() == nil {
			tell(m)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

func (k *Keys) ask(ctx context.Context) (m *versioned) {
	defer func() {
		if p := recover(); p != nil {
			m = &versioned{err: fmt.Errorf("panic: %v", p)}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, k.cfg.LoadTimeout)
	defer cancel()
	version, err := k.store.KeysVersion(ctx)
	return &versioned{version: version, err: err}
}

func storeAway(cause error) error {
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "the key cannot be checked, because the store does not answer",
		Do: "send the request again in a moment", RetryAfter: time.Second, Cause: cause,
	}
}

func tooManyLoads() error {
	return &messages.Failure{
		Code: messages.CodeOverloaded, What: "too many keys that are new to the server are being checked",
		Do: "send the request again in a moment", RetryAfter: time.Second,
	}
}

func interrupted() error {
	return &messages.Failure{
		Code: messages.CodeRestarted, What: "the check of the key was interrupted inside the server",
		Do: "send the request again", RetryAfter: 100 * time.Millisecond,
	}
}
