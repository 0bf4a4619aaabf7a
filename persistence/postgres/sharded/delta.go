package sharded

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
)

// horizon returns the transaction before which all have ended: whatever they wrote is
// seen from now on.
func (d *database) horizon(ctx context.Context) (xid int64, err error) {
	err = d.Operate(ctx, "ShardHorizon", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint").Scan(&xid)
	})
	return xid, err
}

// size is how many rows a conversation has: what was deleted shows in it.
type size struct{ turns, items int64 }

// delta copies of some conversations what was written since a horizon. A conversation
// that has fewer rows than its copy then, or is gone, is copied as a whole.
func (m *mover) delta(ctx context.Context, refs []messages.ConversationRef, since int64) error {
	var have, copied map[messages.ConversationRef]size
	if err := m.to.Operate(ctx, "CopyShard", func(into pgx.Tx) (err error) {
		if err := m.from.Operate(ctx, "CopyShard", func(from pgx.Tx) (err error) {
			have, err = m.copyDelta(ctx, from, into, refs, since)
			return err
		}); err != nil {
			return err
		}
		copied, err = sizes(ctx, into, refs)
		return err
	}); err != nil {
		return err
	}
	var different []messages.ConversationRef
	for _, ref := range refs {
		if had, is := have[ref]; !is || had != copied[ref] {
			different = append(different, ref)
		}
	}
	if len(different) == 0 {
		return nil
	}
	return m.copy(ctx, different)
}

// deltaSlack is for transactions that began while the two numbers were read: what is
// copied twice does no harm.
const deltaSlack = 100

const countRows = `(SELECT count(*) FROM turns t WHERE t.tenant = c.tenant AND t.conversation = c.id), (SELECT count(*) FROM items i WHERE i.tenant = c.tenant AND i.conversation = c.id)`

// copyDelta reads everything by one statement, and so of one moment.
func (m *mover) copyDelta(ctx context.Context, from, into pgx.Tx, refs []messages.ConversationRef, since int64) (have map[messages.ConversationRef]size, err error) {
	if err := unhurried(ctx, from); err != nil {
		return nil, err
	}
	tenants, ids := columns(refs)
	const young = "<= pg_snapshot_xmax(pg_current_snapshot())::text::bigint - $3"
	rows, err := from.Query(ctx, `SELECT 0, row_to_json(c)::text, c.tenant, c.id, `+countRows+` FROM conversations c JOIN `+wanted+` ON c.tenant = wanted.tenant AND c.id = wanted.id
		UNION ALL SELECT 1, row_to_json(t)::text, '', '', 0, 0 FROM turns t JOIN `+wanted+` ON t.tenant = wanted.tenant AND t.conversation = wanted.id WHERE age(t.xmin) `+young+`
		UNION ALL SELECT 2, row_to_json(i)::text, '', '', 0, 0 FROM items i JOIN `+wanted+" ON i.tenant = wanted.tenant AND i.conversation = wanted.id WHERE age(i.xmin) "+young, tenants, ids, since-deltaSlack)
	if err != nil {
		return nil, err
	}
	have = make(map[messages.ConversationRef]size)
	w := m.writeTo(into, true)
	var table int
	var row string
	var ref messages.ConversationRef
	var n size
	if _, err := pgx.ForEachRow(rows, []any{&table, &row, &ref.Tenant, &ref.Conversation, &n.turns, &n.items}, func() error {
		if table == 0 {
			have[ref] = n
		}
		return w.add(ctx, table, row)
	}); err != nil {
		return nil, err
	}
	return have, w.flush(ctx)
}

func sizes(ctx context.Context, tx pgx.Tx, refs []messages.ConversationRef) (found map[messages.ConversationRef]size, err error) {
	tenants, ids := columns(refs)
	rows, err := tx.Query(ctx, "SELECT c.tenant, c.id, "+countRows+" FROM conversations c JOIN "+wanted+" ON c.tenant = wanted.tenant AND c.id = wanted.id", tenants, ids)
	if err != nil {
		return nil, err
	}
	found = make(map[messages.ConversationRef]size)
	var ref messages.ConversationRef
	var n size
	_, err = pgx.ForEachRow(rows, []any{&ref.Tenant, &ref.Conversation, &n.turns, &n.items}, func() error {
		found[ref] = n
		return nil
	})
	return found, err
}

// keys are by which the rows of the tables are found.
var keys = [len(tables)]string{
	"x.tenant = n.tenant AND x.id = n.id", "x.tenant = n.tenant AND x.id = n.id", "x.tenant = n.tenant AND x.conversation = n.conversation AND x.seq = n.seq",
}

// rowWriter writes rows as they come, some megabytes at a time.
type rowWriter struct {
	mover    *mover
	into     pgx.Tx
	replaces bool // rows that are there
	waiting  [len(tables)][]string
	size     int
}

func (m *mover) writeTo(into pgx.Tx, replaces bool) *rowWriter {
	return &rowWriter{mover: m, into: into, replaces: replaces}
}

func (w *rowWriter) insertInto(ctx context.Context, table int, rows string) error {
	if w.replaces {
		text := fmt.Sprintf("DELETE FROM %[1]s x USING json_populate_recordset(NULL::%[1]s, $1::json) n WHERE %s", tables[table], keys[table])
		if _, err := w.into.Exec(ctx, text, rows); err != nil {
			return err
		}
	}
	_, err := w.into.Exec(ctx, fmt.Sprintf("INSERT INTO %[1]s SELECT * FROM json_populate_recordset(NULL::%[1]s, $1::json)", tables[table]), rows)
	return err
}

func (w *rowWriter) add(ctx context.Context, table int, row string) error {
	w.waiting[table] = append(w.waiting[table], row)
	if w.size += len(row); w.size < copyBytes {
		return nil
	}
	return w.flush(ctx)
}

// flush writes what waits, and waits itself where that was faster than it may be.
func (w *rowWriter) flush(ctx context.Context) error {
	began := time.Now()
	for table, rows := range w.waiting {
		if len(rows) == 0 {
			continue
		}
		if err := w.insertInto(ctx, table, "["+strings.Join(rows, ",")+"]"); err != nil {
			return err
		}
		w.waiting[table] = rows[:0]
	}
	w.mover.moved.Bytes += int64(w.size)
	w.mover.slowDown(ctx, w.size, time.Since(began))
	w.size = 0
	return ctx.Err()
}
