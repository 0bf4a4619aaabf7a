package sharded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
	"example.com/parley/persistence/relational"
)

// MoveOptions are how shards are moved.
type MoveOptions struct {
	Rate int64 // bytes a second at most; 0 for as fast as it goes

	after   func(MoveStep) // where a test ends the process
	noGrace bool           // where it knows that nobody goes by an old map
}

// MoveStep is how far a move is.
type MoveStep string

// The steps in their order. Whatever they are cut off at, a move that is begun again
// goes on from there, and nothing is lost meanwhile.
const (
	MoveBegun    MoveStep = "begun"    // the map says so, and what is written is noted
	MoveCopied   MoveStep = "copied"   // once through
	MoveVerified MoveStep = "verified" // by a checksum of each conversation
	MoveClosed   MoveStep = "closed"   // to writers, until it has moved or a moment has passed
	MoveDrained  MoveStep = "drained"  // what was written meanwhile is there too
	MoveLeft     MoveStep = "left"     // for good: the rest anybody may do, and every server does
	MoveFlipped  MoveStep = "flipped"  // open again, elsewhere
)

// Moved says how a move went.
type Moved struct {
	Shard         messages.Shard
	From, To      string
	Conversations int
	Bytes         int64
	Blocked       time.Duration // how long writers of the shard waited
	Took          time.Duration
}

// What a move may keep writers waiting for: the lock of those who write when it closes
// the shard, and what is left to be copied. A shard that was closed for longer is open
// again by itself.
const (
	closeWithin = 300 * time.Millisecond
	closedFor   = 600 * time.Millisecond
	closedSpare = 100 * time.Millisecond // of which, for the last statement
	closeTries  = 20
)

// mover moves one shard.
type mover struct {
	*Store
	MoveOptions

	shard    messages.Shard
	from, to *database
	since    int64 // a transaction before which everything is copied
	moved    Moved
}

// MoveShard moves a shard to another database while it is read and written, or goes on
// with a move there that was cut off. What it left behind is still there: see
// [Store.CleanShards]. One shard moves at a time.
func (s *Store) MoveShard(ctx context.Context, shard messages.Shard, to string, o MoveOptions) (moved Moved, err error) {
	err = s.Exclusively(ctx, moverLock, func() error {
		m := &mover{Store: s, MoveOptions: o, shard: shard, to: named(s.databases, to)}
		if m.to == nil {
			return unnamed(to)
		}
		began := time.Now()
		err := m.move(ctx)
		moved, moved.Took = m.moved, time.Since(began)
		return err
	})
	return moved, err
}

// moverLock is held by whoever moves shards.
const moverLock = 7309457

func (m *mover) did(step MoveStep) {
	if m.after != nil {
		m.after(step)
	}
}

func (m *mover) move(ctx context.Context) error {
	at, err := m.begin(ctx)
	if err != nil || at.state == stateCleaning || at.database == m.to.name {
		return err
	}
	m.from = named(m.databases, at.database)
	if m.from == nil {
		return unnamed(at.database)
	}
	m.moved = Moved{Shard: m.shard, From: m.from.name, To: m.to.name}
	left, err := readPlace(ctx, m.from, m.shard)
	if err != nil {
		return err
	}
	if left.state == placeGone { // all but the last step was done
		return m.flip(ctx)
	}
	if err := m.mark(ctx); err != nil {
		return err
	}
	m.did(MoveBegun)
	if err := m.copyAll(ctx); err != nil {
		return err
	}
	for range closeTries {
		if err = m.close(ctx); !errors.Is(err, errSlow) {
			return err
		}
	}
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: fmt.Sprintf("shard %d is written to faster than it can be moved in %s", m.shard, closedFor),
		Do: "run the command again when there is less to do; meanwhile the shard is where it was",
	}
}

// storage is what the map says of a shard.
type storage struct{ database, state, target string }

// begin says in the map that the shard moves, unless it does so already.
func (m *mover) begin(ctx context.Context) (at storage, err error) {
	err = m.Operate(ctx, "MoveShard", func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT database, state, target FROM shard_storage WHERE shard = $1 FOR UPDATE", m.shard).Scan(&at.database, &at.state, &at.target); err != nil {
			return err
		}
		var other int
		err := tx.QueryRow(ctx, "SELECT shard FROM shard_storage WHERE state = $1 AND shard <> $2 LIMIT 1", stateCopying, m.shard).Scan(&other)
		switch {
		case err == nil:
			return unfinished(other)
		case !errors.Is(err, pgx.ErrNoRows):
			return err
		case at.state == stateCopying && at.target != m.to.name:
			return unfinished(int(m.shard))
		case at.state == stateCleaning && at.database != m.to.name:
			return &messages.Failure{
				Code: messages.CodeInvalidRequest, What: fmt.Sprintf("what shard %d left in %s is still there", m.shard, at.target),
				Do: "take it away first: parley shard move --resume",
			}
		case at.state != stateSettled || at.database == m.to.name:
			return nil
		}
		at.state, at.target = stateCopying, m.to.name
		_, err = tx.Exec(ctx, "UPDATE shard_storage SET state = $2, target = $3, version = version + 1 WHERE shard = $1", m.shard, stateCopying, m.to.name)
		return err
	})
	return at, err
}

func unfinished(shard int) error {
	return &messages.Failure{
		Code: messages.CodeInvalidRequest, What: fmt.Sprintf("a move of shard %d was cut off", shard),
		Do: "go on with it (parley shard move --resume), or have the shard stay where it is (parley shard move --revert)",
	}
}

// errSlow says that the shard was open again before it could be moved.
var errSlow = errors.New("it took too long")

// close copies what has changed until little is left, keeps writers out for the rest
// of it, and has the shard be elsewhere.
func (m *mover) close(ctx context.Context) error {
	if err := m.catchUp(ctx); err != nil {
		return err
	}
	began := time.Now()
	defer func() { m.moved.Blocked = max(m.moved.Blocked, time.Since(began)) }()
	until, err := m.leave(ctx)
	if err != nil {
		return err
	}
	m.did(MoveClosed)
	inTime, cancel := context.WithDeadline(ctx, until.Add(-closedSpare))
	defer cancel()
	if err := m.drain(inTime); err != nil {
		return errors.Join(slow(ctx, inTime, err), m.reopen(ctx))
	}
	m.did(MoveDrained)
	if err := m.depart(ctx); err != nil {
		return err
	}
	m.did(MoveLeft)
	return m.flip(ctx)
}

// slow is errSlow for what had no more time.
func slow(ctx, inTime context.Context, err error) error {
	if ctx.Err() == nil && inTime.Err() != nil {
		return errSlow
	}
	return err
}

// leave keeps writers out, once those who are writing have committed.
func (m *mover) leave(ctx context.Context) (until time.Time, err error) {
	err = m.place(ctx, m.from, closeWithin, "UPDATE shard_places SET state = 'leaving', until = clock_timestamp() + $2::interval WHERE shard = $1 AND state IN ('copying', 'leaving')", closedFor)
	if isLockTimeout(err) {
		return until, errSlow
	}
	return time.Now().Add(closedFor), err
}

// reopen lets writers in again.
func (m *mover) reopen(ctx context.Context) error {
	return m.place(ctx, m.from, placeWithin, "UPDATE shard_places SET state = 'copying' WHERE shard = $1 AND state = 'leaving'")
}

// depart has the shard be in its database no more. It fails as slow where that is open
// to writers again.
func (m *mover) depart(ctx context.Context) error {
	err := m.place(ctx, m.from, closeWithin, "UPDATE shard_places SET state = 'gone' WHERE shard = $1 AND state = 'leaving' AND until > clock_timestamp()")
	if errors.Is(err, errNotMoved) || isLockTimeout(err) {
		return errSlow
	}
	return err
}

// flip opens the shard where it is now. A server may have done so before.
func (m *mover) flip(ctx context.Context) error {
	err := m.atlas.finish(ctx, m.shard)
	if errors.Is(err, errNotMoved) {
		err = nil
	}
	if err == nil {
		m.did(MoveFlipped)
		err = m.atlas.look(ctx)
	}
	return err
}

// placeWithin is how long a move waits for those who write, where it keeps nobody out.
const placeWithin = 2 * time.Second

// place changes what a database says of the shard, which nobody writes to meanwhile. It
// fails with errNotMoved where nothing was changed.
func (m *mover) place(ctx context.Context, d *database, within time.Duration, text string, args ...any) error {
	return d.Operate(ctx, "PlaceShard", func(tx pgx.Tx) error {
		if err := holdAlone(ctx, tx, m.shard, within); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, text, append([]any{m.shard}, args...)...)
		if err == nil && tag.RowsAffected() == 0 {
			err = notMoved()
		}
		return err
	})
}

// holdAlone has nobody write to a shard, nor to many at once, until the transaction has
// ended. Who waits for it has all others wait, so it does not wait for long.
func holdAlone(ctx context.Context, tx pgx.Tx, shard messages.Shard, within time.Duration) error {
	if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', $1, true)", fmt.Sprint(within.Milliseconds())); err != nil {
		return err
	}
	for _, lock := range []int{relational.SweepsLock, int(shard)} {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1::integer, $2::integer)", relational.PlacesLock, lock); err != nil {
			return err
		}
	}
	return nil
}
