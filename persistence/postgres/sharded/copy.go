package sharded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"example.com/parley/messages"
)

// How much is copied at once.
const (
	scanBatch  = 5000    // conversations' names
	copyBatch  = 100     // conversations
	copyBytes  = 2 << 20 // of one statement, about
	noteBatch  = 1000    // of what was written to meanwhile
	noteRounds = 20      // after which the shard is closed whatever is left

	soon = 200 * time.Millisecond // is what a round may take before the shard is closed: with no writers it takes less
)

// scan calls take for the names of a shard's conversations in a database. Databases do
// not know the hash, so all names are read, out of an index.
func (d *database) scan(ctx context.Context, has func(messages.Shard) bool, take func(messages.ConversationRef, messages.ConversationID) error) error {
	var last messages.ConversationRef
	for {
		seen := 0
		err := d.Operate(ctx, "ScanShard", func(tx pgx.Tx) error {
			seen = 0
			rows, err := tx.Query(ctx, "SELECT tenant, id, parent FROM conversations WHERE (tenant, id) > ($1, $2) ORDER BY tenant, id LIMIT $3", last.Tenant, last.Conversation, scanBatch)
			if err != nil {
				return err
			}
			var ref messages.ConversationRef
			var parent messages.ConversationID
			_, err = pgx.ForEachRow(rows, []any{&ref.Tenant, &ref.Conversation, &parent}, func() error {
				seen, last = seen+1, ref
				if has(messages.ShardOf(ref)) {
					return take(ref, parent)
				}
				return nil
			})
			return err
		})
		if err != nil || seen < scanBatch {
			return err
		}
	}
}

func (m *mover) own(s messages.Shard) bool { return s == m.shard }

// copyAll brings the whole shard over, and then compares it.
func (m *mover) copyAll(ctx context.Context) error {
	var err error
	if m.since, err = m.from.horizon(ctx); err != nil {
		return err
	}
	refs, err := m.names(ctx)
	if err != nil {
		return err
	}
	m.moved.Conversations = len(refs)
	if err := m.reconcileAll(ctx, refs); err != nil {
		return err
	}
	m.did(MoveCopied)
	if err := m.reconcileAll(ctx, refs); err != nil {
		return err
	}
	m.did(MoveVerified)
	return nil
}

// names are those of the shard's conversations, and of copies that an earlier try made
// of what is gone by now.
func (m *mover) names(ctx context.Context) (refs []messages.ConversationRef, err error) {
	known := make(map[messages.ConversationRef]bool)
	for _, d := range []*database{m.from, m.to} {
		if err := d.scan(ctx, m.own, func(ref messages.ConversationRef, parent messages.ConversationID) error {
			if of := (messages.ConversationRef{Tenant: ref.Tenant, Conversation: parent}); parent != "" && messages.ShardOf(of) != m.shard {
				return apart(of, ref)
			}
			if !known[ref] {
				known[ref] = true
				refs = append(refs, ref)
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return refs, m.from.forksOf(ctx, m.shard)
}

// forksOf fails where a conversation of another shard begins with items of this one.
func (d *database) forksOf(ctx context.Context, shard messages.Shard) error {
	return d.Operate(ctx, "ScanShard", func(tx pgx.Tx) error {
		if err := unhurried(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT tenant, id, parent FROM conversations WHERE parent <> ''")
		if err != nil {
			return err
		}
		var ref messages.ConversationRef
		var parent messages.ConversationID
		_, err = pgx.ForEachRow(rows, []any{&ref.Tenant, &ref.Conversation, &parent}, func() error {
			if of := (messages.ConversationRef{Tenant: ref.Tenant, Conversation: parent}); messages.ShardOf(of) == shard && messages.ShardOf(ref) != shard {
				return apart(of, ref)
			}
			return nil
		})
		return err
	})
}

// apart refuses to move what an earlier version has spread over two shards.
func apart(parent, fork messages.ConversationRef) error {
	return &messages.Failure{
		Code: messages.CodeInvalidRequest,
		What: fmt.Sprintf("conversation %s of shard %d begins with items of %s, which is of shard %d: such forks were made by an earlier version", fork.Conversation, messages.ShardOf(fork), parent.Conversation, messages.ShardOf(parent)),
		Do:   "have the shard stay where it is (parley shard move --revert); both shards can move once one of the two conversations is deleted",
	}
}

func (m *mover) reconcileAll(ctx context.Context, refs []messages.ConversationRef) error {
	for batch := range slices.Chunk(refs, copyBatch) {
		if err := m.reconcile(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// catchUp copies what was written to meanwhile, until that is soon done.
func (m *mover) catchUp(ctx context.Context) error {
	for range noteRounds {
		began := time.Now()
		noted, err := m.round(ctx)
		if err != nil || noted < noteBatch && time.Since(began) < soon {
			return err
		}
	}
	return nil
}

// drain copies all that was written to. Nothing more comes.
func (m *mover) drain(ctx context.Context) error {
	for {
		noted, err := m.round(ctx)
		if err != nil || noted == 0 {
			return err
		}
	}
}

// round copies some of what was noted, and forgets the notes then. What is noted
// meanwhile has notes of its own. Once it has seen to all notes, what transactions
// wrote that ended before need not be looked at again.
func (m *mover) round(ctx context.Context) (noted int, err error) {
	next, err := m.from.horizon(ctx)
	if err != nil {
		return 0, err
	}
	ids, refs, err := m.notes(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	for batch := range slices.Chunk(refs, copyBatch) {
		if err := m.delta(ctx, batch, m.since); err != nil {
			return 0, err
		}
	}
	if len(ids) < noteBatch {
		m.since = next
	}
	return len(ids), m.from.Operate(ctx, "ForgetNotes", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM shard_changes WHERE id = ANY($1)", ids)
		return err
	})
}

func (m *mover) notes(ctx context.Context) (ids []int64, refs []messages.ConversationRef, err error) {
	known := make(map[messages.ConversationRef]bool)
	err = m.from.Operate(ctx, "ReadNotes", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT id, tenant, conversation FROM shard_changes ORDER BY id LIMIT $1", noteBatch)
		if err != nil {
			return err
		}
		var id int64
		var ref messages.ConversationRef
		_, err = pgx.ForEachRow(rows, []any{&id, &ref.Tenant, &ref.Conversation}, func() error {
			ids = append(ids, id)
			if m.own(messages.ShardOf(ref)) && !known[ref] {
				known[ref] = true
				refs = append(refs, ref)
			}
			return nil
		})
		return err
	})
	return ids, refs, err
}

// reconcile makes some conversations be as they are where they come from.
func (m *mover) reconcile(ctx context.Context, refs []messages.ConversationRef) error {
	have, err := m.from.digests(ctx, refs)
	if err != nil {
		return err
	}
	copied, err := m.to.digests(ctx, refs)
	if err != nil {
		return err
	}
	different := slices.DeleteFunc(slices.Clone(refs), func(ref messages.ConversationRef) bool { return have[ref] == copied[ref] })
	if len(different) == 0 {
		return nil
	}
	return m.copy(ctx, different)
}

// wanted joins a statement with the conversations that its first two arguments name.
const wanted = "unnest($1::text[], $2::text[]) AS wanted(tenant, id)"

// digests are checksums of conversations with all that is in them.
func (d *database) digests(ctx context.Context, refs []messages.ConversationRef) (found map[messages.ConversationRef]string, err error) {
	found = make(map[messages.ConversationRef]string, len(refs))
	tenants, ids := columns(refs)
	err = d.Operate(ctx, "DigestShard", func(tx pgx.Tx) error {
		if err := unhurried(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT c.tenant, c.id, md5(row_to_json(c)::text
				|| coalesce((SELECT string_agg(md5(row_to_json(t)::text), '' ORDER BY t.id) FROM turns t WHERE t.tenant = c.tenant AND t.conversation = c.id), '')
				|| coalesce((SELECT string_agg(md5(row_to_json(i)::text), '' ORDER BY i.seq) FROM items i WHERE i.tenant = c.tenant AND i.conversation = c.id), ''))
			FROM conversations c JOIN `+wanted+" ON c.tenant = wanted.tenant AND c.id = wanted.id", tenants, ids)
		if err != nil {
			return err
		}
		var ref messages.ConversationRef
		var digest string
		_, err = pgx.ForEachRow(rows, []any{&ref.Tenant, &ref.Conversation, &digest}, func() error {
			found[ref] = digest
			return nil
		})
		return err
	})
	return found, err
}

// unhurried is for statements that take as long as their rows are read.
func unhurried(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SELECT set_config('statement_timeout', '0', true)")
	return err
}

func columns(refs []messages.ConversationRef) (tenants, ids []string) {
	for i := range refs {
		tenants, ids = append(tenants, string(refs[i].Tenant)), append(ids, string(refs[i].Conversation))
	}
	return tenants, ids
}

// tables are what a conversation is in, in the order in which it is written.
var tables = [...]string{"conversations", "turns", "items"}

// copy replaces conversations by what they are where they come from, all of them in one
// transaction: nobody sees a part. They are read by one statement, and so of one moment.
func (m *mover) copy(ctx context.Context, refs []messages.ConversationRef) error {
	tenants, ids := columns(refs)
	return m.to.Operate(ctx, "CopyShard", func(into pgx.Tx) error {
		if err := deleteConversations(ctx, into, tenants, ids); err != nil {
			return err
		}
		return m.from.Operate(ctx, "CopyShard", func(from pgx.Tx) error {
			if err := unhurried(ctx, from); err != nil {
				return err
			}
			rows, err := from.Query(ctx, "SELECT 0, row_to_json(c)::text FROM conversations c JOIN "+wanted+` ON c.tenant = wanted.tenant AND c.id = wanted.id
				UNION ALL SELECT 1, row_to_json(t)::text FROM turns t JOIN `+wanted+` ON t.tenant = wanted.tenant AND t.conversation = wanted.id
				UNION ALL SELECT 2, row_to_json(i)::text FROM items i JOIN `+wanted+" ON i.tenant = wanted.tenant AND i.conversation = wanted.id", tenants, ids)
			if err != nil {
				return err
			}
			w := m.writeTo(into, false)
			var table int
			var row string
			if _, err := pgx.ForEachRow(rows, []any{&table, &row}, func() error { return w.add(ctx, table, row) }); err != nil {
				return err
			}
			return w.flush(ctx)
		})
	})
}

// slowDown waits where so many bytes were written in less time than they may.
func (m *mover) slowDown(ctx context.Context, bytes int, took time.Duration) {
	if m.Rate > 0 {
		pause(ctx, time.Duration(float64(bytes)/float64(m.Rate)*float64(time.Second))-took)
	}
}

func deleteConversations(ctx context.Context, tx pgx.Tx, tenants, ids []string) error {
	for _, text := range []string{
		"DELETE FROM items x USING " + wanted + " WHERE x.tenant = wanted.tenant AND x.conversation = wanted.id",
		"DELETE FROM turns x USING " + wanted + " WHERE x.tenant = wanted.tenant AND x.conversation = wanted.id",
		"DELETE FROM conversations x USING " + wanted + " WHERE x.tenant = wanted.tenant AND x.id = wanted.id",
	} {
		if _, err := tx.Exec(ctx, text, tenants, ids); err != nil {
			return err
		}
	}
	return nil
}

const lockNotAvailable = "55P03" // from PostgreSQL's appendix A

func isLockTimeout(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == lockNotAvailable
}
