package edge

import (
	"context"
	"maps"
	"slices"
	"sync"

	"example.com/parley/messages"
)

// keys are those that clients of this node presented, by the core's account: hashes of
// their secrets, and what they open. They are looked up once more whenever any key of
// the core's changes, and go on while it is out of reach.
type keys struct {
	mu      *sync.Mutex
	known   map[messages.KeyID]messages.APIKey
	version uint64
}

// mostKeys bounds them, at some 500 bytes each. Any other goes for a further one.
const mostKeys = 65_536

func newKeys() keys {
	return keys{mu: new(sync.Mutex), known: make(map[messages.KeyID]messages.APIKey)}
}

// update looks all keys up anew where some have changed.
func (k *keys) update(ctx context.Context, one *peer, version uint64) error {
	k.mu.Lock()
	same := version == k.version
	ids := slices.Collect(maps.Keys(k.known))
	k.mu.Unlock()
	if same {
		return nil
	}
	next := make(map[messages.KeyID]messages.APIKey, len(ids))
	for some := range slices.Chunk(ids, mostIDs) {
		asking, release := context.WithTimeout(ctx, askPatience)
		var found keysFound
		err := one.ask(asking, pathKeys, &askKeys{IDs: some}, &found)
		release()
		if err != nil {
			return err
		}
		for i := range found.Keys {
			next[found.Keys[i].ID] = found.Keys[i]
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known, k.version = next, version
	return nil
}

// Key implements tenant.KeySource.
func (n *Node) Key(ctx context.Context, id messages.KeyID) (messages.APIKey, error) {
	n.keys.mu.Lock()
	key, known := n.keys.known[id]
	n.keys.mu.Unlock()
	if known {
		return key, nil
	}
	f := n.place.now()
	if f == nil {
		return key, messages.CutOff(errOutOfReach)
	}
	var found keysFound
	if err := f.ask(ctx, pathKeys, &askKeys{IDs: []messages.KeyID{id}}, &found); err != nil {
		return key, messages.CutOff(err)
	}
	if len(found.Keys) == 0 {
		return key, &messages.Failure{Code: messages.CodeInvalidKey, What: "there is no such key", NoRetry: true}
	}
	n.keys.remember(&found)
	return found.Keys[0], nil
}

// remember keeps a key that was looked up under the version that is known: one of
// before a change would not be looked up again.
func (k *keys) remember(found *keysFound) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if found.Version != k.version {
		return
	}
	if len(k.known) >= mostKeys {
		for any := range k.known {
			delete(k.known, any)
			break
		}
	}
	k.known[found.Keys[0].ID] = found.Keys[0]
}

// KeysVersion implements tenant.KeySource.
func (n *Node) KeysVersion(context.Context) (uint64, error) {
	n.keys.mu.Lock()
	defer n.keys.mu.Unlock()
	return n.keys.version, n.Standing()
}

// MarkUsed implements tenant.KeySource.
func (n *Node) MarkUsed(ctx context.Context, uses []messages.KeyUse) error {
	return n.ask(ctx, pathUses, &keyUses{Uses: uses}, &done{})
}

// Limits implements tenant.LimitStore.
func (n *Node) Limits(ctx context.Context) ([]messages.Limit, error) {
	var found limitsFound
	err := n.ask(ctx, pathLimit, &done{OK: true}, &found)
	return found.Limits, err
}

// LimitsVersion implements tenant.LimitStore.
func (n *Node) LimitsVersion(context.Context) (uint64, error) { return n.limits.Load(), nil }

// AppendUsage brings rows of replies that were cached here to the core. It implements
// spool.Sink.
func (n *Node) AppendUsage(ctx context.Context, rows []messages.UsageRow) error {
	return n.ask(ctx, pathUsage, &usageRows{Rows: rows}, &done{})
}

// ask asks the server that is followed, and one after the other where none is.
func (n *Node) ask(ctx context.Context, path string, question, answer any) (err error) {
	if f := n.place.now(); f != nil {
		if err = f.ask(ctx, path, question, answer); err == nil {
			return nil
		}
		return messages.CutOff(err)
	}
	for _, one := range n.peers {
		if err = one.ask(ctx, path, question, answer); err == nil {
			return nil
		}
	}
	return messages.CutOff(err)
}
