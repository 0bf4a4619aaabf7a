package sharded

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
	"example.com/parley/persistence/relational"
)

// How long something waits for a shard that is on its way: a move keeps writers waiting
// for less than a second, and one that was cut off in the middle of that gives up by
// itself after a second.
const (
	movePatience = 5 * time.Second
	moveGlance   = 10 * time.Millisecond
)

// in has the database do something that has the conversation. Where it has it no more
// the next one is asked, for as long as the caller's deadline and [movePatience] allow.
func (s *Store) in(ctx context.Context, ref messages.ConversationRef, do func(*postgres.Store) error) error {
	return s.waitOut(ctx, func() error { return do(s.atlas.of(messages.ShardOf(ref)).Store) })
}

// waitOut tries something again for as long as it fails since a shard is on its way.
func (s *Store) waitOut(ctx context.Context, try func() error) error {
	began := time.Now()
	for {
		before := s.atlas.current.Load()
		err := try()
		if !relational.IsElsewhere(err) || ctx.Err() != nil || time.Since(began) > movePatience {
			return err
		}
		if lookErr := s.atlas.look(ctx); lookErr != nil {
			return err
		}
		if s.atlas.current.Load() != before {
			continue
		}
		pause(ctx, moveGlance)
	}
}

// notMoved passes through a store as it is.
func notMoved() error {
	return &messages.Failure{Code: messages.CodeInternal, What: errNotMoved.Error(), Cause: errNotMoved}
}

func tell(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SELECT pg_notify($1, '')", shardsMoved)
	return err
}

// What the map says of a shard that moves.
const (
	stateSettled  = ""
	stateCopying  = "copying"
	stateCleaning = "cleaning" // it has moved, and what it left is taken away
)

// What a database says of a shard.
const (
	placeHere     = "here"
	placeCopying  = "copying"  // from here, and written to meanwhile
	placeLeaving  = "leaving"  // nothing is written, for a moment
	placeArriving = "arriving" // to here
	placeGone     = "gone"
)

// place is what a database says of a shard.
type place struct {
	state string // gone where nothing is said
	epoch int64
}

func readPlace(ctx context.Context, d *database, shard messages.Shard) (p place, err error) {
	err = d.Operate(ctx, "ShardPlace", func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "SELECT state, epoch FROM shard_places WHERE shard = $1", shard).Scan(&p.state, &p.epoch)
		if errors.Is(err, pgx.ErrNoRows) {
			p.state, err = placeGone, nil
		}
		return err
	})
	return p, err
}
