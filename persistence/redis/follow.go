package redis

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"example.com/parley/messages"
)

// Node is who hears what other nodes keep and drop. The cache implements it; its
// methods are called by one goroutine.
type Node interface {
	// Knows tells whether the node has an entry already.
	Knows(name messages.CacheName) bool
	// Full tells whether more entries would cost the node others.
	Full() bool
	// Learn takes in a record of another node.
	Learn(name messages.CacheName, record []byte)
	// Forget takes out what somebody dropped. It may be told more than once.
	Forget(drop messages.CacheDrop)
}

const (
	readBlock   = 500 * time.Millisecond // how long a read waits for news, and a server that stops for it
	readCount   = 512                    // events that are read together
	scanCount   = 1000                   // keys that are looked through together
	fetchCount  = 128                    // records that are fetched together
	firstWait   = 100 * time.Millisecond
	longestWait = 5 * time.Second
)

// follow attends to the other nodes' news, until ctx ends.
func (r *Records) follow(ctx context.Context, node Node) {
	wait := firstWait
	for ctx.Err() == nil {
		started := time.Now()
		err := r.attend(ctx, node)
		r.metrics.following.Set(0)
		if ctx.Err() != nil {
			return
		}
		if time.Since(started) > longestWait {
			wait = firstWait
		}
		if wait == firstWait { // once for each time that it goes
			r.log.WarnContext(ctx, "redis does not answer; the cache is this node's alone until it does", slog.Any("error", err))
		}
		select {
		case <-time.After(wait/2 + rand.N(wait)): // #nosec G404 -- spreads the load, no more
		case <-ctx.Done():
			return
		}
		wait = min(2*wait, longestWait)
	}
}

// attend loads what is there, and then follows the news. Where the connection is
// lost news may be, too: so each connection begins with all that is there, of which
// the node fetches what it does not know.
func (r *Records) attend(ctx context.Context, node Node) error {
	inserts, err := r.lastEvent(ctx, r.names.inserts)
	if err != nil {
		return err
	}
	drops, err := r.catchUp(ctx, node)
	if err != nil {
		return err
	}
	if err = r.load(ctx, node); err != nil {
		return err
	}
	r.metrics.following.Set(1)
	for {
		read, err := r.client.XRead(ctx, &redis.XReadArgs{
			Streams: []string{r.names.inserts, r.names.drops, inserts, drops}, Count: readCount, Block: readBlock,
		}).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		var kept, gone []redis.XMessage
		for _, s := range read {
			if s.Stream == r.names.inserts {
				kept, inserts = s.Messages, s.Messages[len(s.Messages)-1].ID
			} else {
				gone, drops = s.Messages, s.Messages[len(s.Messages)-1].ID
			}
		}
		// What was dropped was kept before, and so it is in this order.
		if err = r.learn(ctx, node, r.others(kept)); err != nil {
			return err
		}
		r.forget(node, gone)
	}
}

// lastEvent is the id of a stream's newest event.
func (r *Records) lastEvent(ctx context.Context, stream string) (string, error) {
	last, err := r.client.XRevRangeN(ctx, stream, "+", "-", 1).Result()
	if err != nil || len(last) == 0 {
		return "0", err
	}
	return last[0].ID, nil
}

// catchUp tells the node all drops that are remembered, and returns the id of the
// newest.
func (r *Records) catchUp(ctx context.Context, node Node) (last string, err error) {
	last = "0"
	for {
		events, err := r.client.XRangeN(ctx, r.names.drops, "("+last, "+", readCount).Result()
		if err != nil || len(events) == 0 {
			return last, err
		}
		r.forget(node, events)
		last = events[len(events)-1].ID
	}
}

// load has the node learn all that is kept, until it is full.
func (r *Records) load(ctx context.Context, node Node) error {
	cursor := uint64(0)
	for {
		keys, next, err := r.client.Scan(ctx, cursor, r.names.entries+"*", scanCount).Result()
		if err == nil {
			err = r.learn(ctx, node, keys)
		}
		if cursor = next; err != nil || cursor == 0 || node.Full() {
			return err
		}
	}
}

// others are the entries that other nodes kept.
func (r *Records) others(events []redis.XMessage) (keys []string) {
	for _, event := range events {
		if key, ok := event.Values["entry"].(string); ok && event.Values["node"] != r.node {
			keys = append(keys, key)
		}
	}
	return keys
}

// learn fetches records that the node does not know. One that is gone again, or is
// not what was written, is passed over.
func (r *Records) learn(ctx context.Context, node Node, keys []string) error {
	unknown := make([]string, 0, len(keys))
	for _, key := range keys {
		if name, ok := r.names.parse(key); ok && !node.Knows(name) {
			unknown = append(unknown, key)
		}
	}
	for len(unknown) > 0 {
		n := min(len(unknown), fetchCount)
		values, err := r.client.MGet(ctx, unknown[:n]...).Result()
		if err != nil {
			return err
		}
		for i, value := range values {
			r.open(node, unknown[i], value)
		}
		unknown = unknown[n:]
	}
	return nil
}

// open tells the node a record as Redis has it.
func (r *Records) open(node Node, key string, value any) {
	sealed, ok := value.(string)
	name, named := r.names.parse(key)
	if !ok || !named {
		return
	}
	record, err := r.seal.open(key, sealed)
	if err != nil {
		r.metrics.learned.WithLabelValues(readDamaged).Inc()
		return
	}
	r.metrics.learned.WithLabelValues("entry").Inc()
	node.Learn(name, record)
}

// forget tells the node what was dropped, by itself too: it may have been another
// process.
func (r *Records) forget(node Node, events []redis.XMessage) {
	for _, event := range events {
		tenant, _ := event.Values["tenant"].(string)
		entry, _ := event.Values["entry"].(string)
		asked, _ := event.Values["asked"].(string)
		d := messages.CacheDrop{CacheName: messages.CacheName{Tenant: messages.TenantID(tenant)}, At: momentOf(event.ID)}
		var ok, alsoOK bool
		d.Entry, ok = parseDigits(entry)
		d.Asked, alsoOK = parseDigits(asked)
		if ok && alsoOK {
			r.metrics.learned.WithLabelValues("drop").Inc()
			node.Forget(d)
		}
	}
}

// momentOf is when an event was added, by Redis's clock: the milliseconds that its id
// begins with.
func momentOf(id string) time.Time {
	digits, _, _ := strings.Cut(id, "-")
	ms, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
