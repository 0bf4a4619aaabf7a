package sharded

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
)

// shardsMoved is the channel on which it is told that the map has changed.
const shardsMoved = "parley_shards"

// How the map is kept up to date. A notification tells of a change at once, the tick
// finds what a lost one had, and whoever is refused looks by himself.
const (
	atlasTick     = time.Second
	atlasPatience = 5 * time.Second // for one look
	atlasAgain    = time.Second     // before the notifications are asked for again
)

// atlas is the map of which shard is in which database, as home has it.
type atlas struct {
	databases []*database
	log       *slog.Logger
	current   atomic.Pointer[chart] // never nil

	looking sync.Mutex // held by who reads the map
	looks   atomic.Uint64

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// chart is the map at a time. It is never changed.
type chart struct {
	version int64 // the sum of all shards'
	of      [messages.Shards]*database
	copying map[messages.Shard]string // those that are to be elsewhere, and where
}

// openAtlas reads the map, and keeps it up to date until it is closed.
func openAtlas(ctx context.Context, databases []*database, log *slog.Logger) (*atlas, error) {
	a := &atlas{databases: databases, log: log}
	a.current.Store(&chart{})
	if err := a.look(ctx); err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.cancel = cancel
	a.done.Go(func() { a.follow(life) })
	a.done.Go(func() { a.tick(life) })
	return a, nil
}

func (a *atlas) close() {
	a.cancel()
	a.done.Wait()
}

func (a *atlas) home() *postgres.Store { return a.databases[0].Store }

// follow looks whenever it is told that the map has changed.
func (a *atlas) follow(ctx context.Context) {
	for ctx.Err() == nil {
		_ = a.home().AwaitNotices(ctx, shardsMoved, func() { a.lookNow(ctx) }) // the tick goes on without
		pause(ctx, atlasAgain)
	}
}

func (a *atlas) tick(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, atlasTick)
		a.lookNow(ctx)
		a.finishOverdue(ctx)
	}
}

func (a *atlas) lookNow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, atlasPatience)
	defer cancel()
	if err := a.look(ctx); err != nil && ctx.Err() == nil {
		a.log.Warn("the map of which shard is in which database could not be read; the last one is gone by", slog.Any("error", err))
	}
}

// look reads the map, unless somebody else did since it was called.
func (a *atlas) look(ctx context.Context) error {
	before := a.looks.Load()
	a.looking.Lock()
	defer a.looking.Unlock()
	if a.looks.Load() > before+1 { // one that began behind this call has ended
		return nil
	}
	next, err := a.read(ctx)
	if err == nil {
		a.looks.Add(1)
		if next != nil {
			a.current.Store(next)
		}
	}
	return err
}

// read returns nil where nothing has changed.
func (a *atlas) read(ctx context.Context) (next *chart, err error) {
	err = a.home().Operate(ctx, "ShardMap", func(tx pgx.Tx) error {
		next = nil
		var version int64
		if err := tx.QueryRow(ctx, "SELECT sum(version)::BIGINT FROM shard_storage").Scan(&version); err != nil {
			return err
		}
		if version == a.current.Load().version {
			return nil
		}
		rows, err := tx.Query(ctx, "SELECT shard, database, version, state, target FROM shard_storage")
		if err != nil {
			return err
		}
		next, err = a.chart(rows)
		return err
	})
	return next, err
}

func (a *atlas) chart(rows pgx.Rows) (*chart, error) {
	c := &chart{copying: make(map[messages.Shard]string)}
	var shard int
	var name, state, target string
	var version int64
	_, err := pgx.ForEachRow(rows, []any{&shard, &name, &version, &state, &target}, func() error {
		d := named(a.databases, name)
		if d == nil {
			return unnamed(name)
		}
		c.of[shard], c.version = d, c.version+version
		if state == stateCopying {
			c.copying[messages.Shard(shard)] = target
		}
		return nil
	})
	return c, err
}

func named(databases []*database, name string) *database {
	for _, d := range databases {
		if d.name == name {
			return d
		}
	}
	return nil
}

func unnamed(name string) error {
	return &messages.Failure{
		Code: messages.CodeInvalidRequest, What: fmt.Sprintf("there is no database %q in the configuration, and conversations are in it", name),
		Do: "give its URL with store.postgres.databases." + name + ".url",
	}
}

// of is where a shard is, as far as is known here.
func (a *atlas) of(s messages.Shard) *database { return a.current.Load().of[s] }

// pause waits, no longer than ctx lasts.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
