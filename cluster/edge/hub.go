package edge

import (
	"cmp"
	"context"
	"encoding/gob"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"example.com/parley/messages"
)

// Store is what edge nodes learn from the core's. Both stores implement it.
type Store interface {
	Key(ctx context.Context, id messages.KeyID) (messages.APIKey, error)
	KeysVersion(ctx context.Context) (uint64, error)
	MarkUsed(ctx context.Context, uses []messages.KeyUse) error
	Limits(ctx context.Context) ([]messages.Limit, error)
	LimitsVersion(ctx context.Context) (uint64, error)
	Denied(ctx context.Context, most int) ([]messages.CacheDrop, error)
}

// HubDeps is what a hub stands on.
type HubDeps struct {
	Store      Store
	Usage      func(ctx context.Context, rows []messages.UsageRow) error // what comes twice counts once
	Record     func(name messages.CacheName) []byte                      // of the cache; nil for what it does not have
	Marks      func() map[string]uint64                                  // where public names lead
	Leaving    func() bool                                               // it takes no more requests
	MostDenied int                                                       // pairs that are remembered
	Feed       *Feed
	Log        *slog.Logger
}

// Hub is a server of the core as its edge nodes see it. It is safe for concurrent use.
type Hub struct {
	deps HubDeps

	mu    sync.Mutex
	edges map[string]messages.EdgeNode // by name
	last  versions
}

// versions are of keys and limits, at a moment.
type versions struct {
	at           time.Time
	keys, limits uint64
}

const (
	// versionsGood is how old versions may be that a node is told: a query for each
	// node and poll is not worth the difference.
	versionsGood = 500 * time.Millisecond
	// rememberedFor is how long a node is shown that is not heard any more.
	rememberedFor = 10 * time.Minute
	mostEdges     = 1000
	// longestWait bounds how long a poll stays unanswered.
	longestWait = 5 * time.Second
	hubPatience = 10 * time.Second // for the store
	mostIDs     = 1000             // keys that are asked for together
)

// NewHub returns a hub that knows no edge node yet.
func NewHub(deps HubDeps) *Hub { return &Hub{deps: deps, edges: make(map[string]messages.EdgeNode)} }

// Run answers edge nodes on a listener until ctx ends.
func (h *Hub) Run(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("POST "+pathNews, answering(h, h.news))
	mux.Handle("POST "+pathKeys, answering(h, h.keys))
	mux.Handle("POST "+pathUses, answering(h, h.uses))
	mux.Handle("POST "+pathLimit, answering(h, h.limits))
	mux.Handle("POST "+pathEntry, answering(h, h.entry))
	mux.Handle("POST "+pathUsage, answering(h, h.usage))
	server := &http.Server{
		Handler: mux, ReadTimeout: hubPatience, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // of handshakes that strangers begin
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // what it cuts is asked for again
	defer stop()
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

// answering reads a question and writes its answer.
func answering[Question, Answer any](h *Hub, answer func(context.Context, *Question) (Answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question Question
		if err := decode(r.Body, &question); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		ctx, release := context.WithTimeout(r.Context(), hubPatience)
		defer release()
		found, err := answer(ctx, &question)
		if err != nil {
			if ctx.Err() == nil {
				h.deps.Log.Warn("an edge node could not be answered", slog.String("path", r.URL.Path), slog.Any("error", err))
			}
			http.Error(w, string(messages.CodeOf(err)), http.StatusServiceUnavailable)
			return
		}
		_ = gob.NewEncoder(w).Encode(&found) // it asks again where that did not arrive
	})
}

// news tells a node what is new, once there is something or its time for that is over.
func (h *Hub) news(ctx context.Context, p *poll) (n news, err error) {
	h.note(p, p.Behind)
	if !p.Follow {
		return n, nil
	}
	h.await(ctx, p)
	n.Events, n.Cursor, n.Behind, n.Reset = h.deps.Feed.read(p.Cursor)
	h.note(p, len(n.Events)+n.Behind)
	n.Leaving = h.deps.Leaving()
	if n.Reset {
		if n.Denied, err = h.deps.Store.Denied(ctx, h.deps.MostDenied); err != nil {
			return n, err
		}
	}
	marks := h.deps.Marks()
	if n.MarksSum = sumOf(marks); n.MarksSum != p.Marks {
		n.Marks = marks
	}
	last, err := h.versions(ctx)
	if err == nil {
		n.Fresh, n.Keys, n.Limits = true, last.keys, last.limits
	}
	return n, nil // where they are not known it hears that
}

// lookAfter is how late a node hears, at most, that this server leaves.
const lookAfter = 50 * time.Millisecond

// await waits until there is something to say, for as long as a poll may stay
// unanswered.
func (h *Hub) await(ctx context.Context, p *poll) {
	ctx, release := context.WithTimeout(ctx, min(p.Wait, longestWait))
	defer release()
	for ctx.Err() == nil && !h.deps.Leaving() {
		looking, stop := context.WithTimeout(ctx, lookAfter)
		news := h.deps.Feed.await(looking, p.Cursor)
		stop()
		if news {
			return
		}
	}
}

// versions are at most versionsGood old.
func (h *Hub) versions(ctx context.Context) (v versions, err error) {
	h.mu.Lock()
	v = h.last
	h.mu.Unlock()
	if time.Since(v.at) < versionsGood {
		return v, nil
	}
	v.at = time.Now()
	if v.keys, err = h.deps.Store.KeysVersion(ctx); err != nil {
		return v, err
	}
	if v.limits, err = h.deps.Store.LimitsVersion(ctx); err != nil {
		return v, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = v
	return v, nil
}

// note remembers that a node was heard.
func (h *Hub) note(p *poll, behind int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.edges[p.Name]; !known && len(h.edges) >= mostEdges || len(p.Name) > maxName {
		return
	}
	h.edges[p.Name] = messages.EdgeNode{Name: p.Name, Version: p.Version, Heard: time.Now(), Follows: p.Follow, Behind: behind}
}

// Edges lists the nodes that were heard lately, by name.
func (h *Hub) Edges() (all []messages.EdgeNode) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, e := range h.edges {
		if time.Since(e.Heard) > rememberedFor {
			delete(h.edges, name)
			continue
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b messages.EdgeNode) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// keys finds those that clients presented: hashes of their secrets, and what they
// open. The version is read first, so that it is never newer than they are.
func (h *Hub) keys(ctx context.Context, asked *askKeys) (found keysFound, err error) {
	if found.Version, err = h.deps.Store.KeysVersion(ctx); err != nil {
		return found, err
	}
	for _, id := range asked.IDs[:min(len(asked.IDs), mostIDs)] {
		key, err := h.deps.Store.Key(ctx, id)
		switch {
		case messages.CodeOf(err) == messages.CodeInvalidKey:
		case err != nil:
			return found, err
		case key.Role != messages.KeyAdmin: // opens nothing at an edge node
			found.Keys = append(found.Keys, key)
		}
	}
	return found, nil
}

func (h *Hub) uses(ctx context.Context, told *keyUses) (done, error) {
	return done{OK: true}, h.deps.Store.MarkUsed(ctx, told.Uses)
}

func (h *Hub) limits(ctx context.Context, _ *done) (found limitsFound, err error) {
	found.Limits, err = h.deps.Store.Limits(ctx)
	return found, err
}

// entry is a reply that this server had for a request which a node forwarded.
func (h *Hub) entry(_ context.Context, asked *askEntry) (entryFound, error) {
	found := entryFound{Feed: h.deps.Feed.name, Next: h.deps.Feed.next()} // before the record is read
	found.Record = h.deps.Record(asked.Name)
	return found, nil
}

// usage takes rows of replies that a node had cached. Nothing else is a node's to
// bill.
func (h *Hub) usage(ctx context.Context, told *usageRows) (done, error) {
	for i := range told.Rows {
		row := &told.Rows[i]
		if tier := (&messages.CacheOutcome{Tier: row.CacheTier}); !tier.Hit() || row.Cost != 0 {
			return done{}, &messages.Failure{Code: messages.CodeInvalidRequest, What: "an edge node bills what it had not cached", NoRetry: true}
		}
	}
	return done{OK: true}, h.deps.Usage(ctx, told.Rows)
}
