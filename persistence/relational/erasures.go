package relational

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// eraseBatch bounds one step of an erasure or of a sweep: rows of a table, or
// conversations, so that it delays nobody's commit.
const (
	eraseBatch         = 500
	eraseConversations = 20
)

// CreateErasure keeps what is to be erased, until somebody has done so.
func (s *Store) CreateErasure(ctx context.Context, e messages.Erasure) error {
	return s.write(ctx, operator, "CreateErasure", func(t *transaction) error {
		if _, err := t.holdTenant(e.Tenant); err != nil {
			return err
		}
		return t.wantErasure(ctx, &e)
	})
}

func (t *transaction) wantErasure(ctx context.Context, e *messages.Erasure) error {
	if err := t.later(nil, `INSERT INTO erasures (id, tenant, end_user, user_hash, requested, ended, conversations, turns, items, replies)
		VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0, 0)`, e.ID, e.Tenant, e.User, e.UserHash, micros(e.Requested)); err != nil {
		return err
	}
	return t.audit(ctx, messages.AuditChange{Action: "erasure.create", Object: e.ID, Tenant: e.Tenant, After: stateOfErasure(e)})
}

const selectErasure = "SELECT id, tenant, end_user, user_hash, requested, ended, conversations, turns, items, replies FROM erasures "

func scanErasure(row Scanner) (e messages.Erasure, err error) {
	var requested, ended int64
	err = row.Scan(&e.ID, &e.Tenant, &e.User, &e.UserHash, &requested, &ended, &e.Conversations, &e.Turns, &e.Items, &e.Replies)
	e.Requested, e.Ended = fromMicros(requested), fromMicros(ended)
	return e, err
}

// Erasures lists a tenant's, or all for the empty name, the newest first and at most
// a thousand.
func (s *Store) Erasures(ctx context.Context, tenant messages.TenantID) ([]messages.Erasure, error) {
	return s.erasures(ctx, "WHERE (? = '' OR tenant = ?) ORDER BY requested DESC, id LIMIT 1000", tenant, tenant)
}

// PendingErasures lists those that somebody has to go on with, the oldest first.
func (s *Store) PendingErasures(ctx context.Context) ([]messages.Erasure, error) {
	return s.erasures(ctx, "WHERE ended = 0 ORDER BY requested, id LIMIT 100")
}

// ErasedSince lists those that ended at a moment or later.
func (s *Store) ErasedSince(ctx context.Context, at time.Time) ([]messages.Erasure, error) {
	return s.erasures(ctx, "WHERE ended >= ? ORDER BY ended, id", max(micros(at), 1))
}

func (s *Store) erasures(ctx context.Context, where string, args ...any) (found []messages.Erasure, err error) {
	err = s.read(ctx, operator, "Erasures", func(r *querying) error {
		return r.rows(selectErasure+where, args, func(row Scanner) error {
			e, err := scanErasure(row)
			found = append(found, e)
			return err
		})
	})
	return found, err
}

// Erasure returns one of them.
func (s *Store) Erasure(ctx context.Context, id string) (messages.Erasure, error) {
	found, err := s.erasures(ctx, "WHERE id = ?", id)
	if err == nil && len(found) == 0 {
		err = erasureAbsent()
	}
	if err != nil {
		return messages.Erasure{}, err
	}
	return found[0], nil
}

func erasureAbsent() error {
	return &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no erasure with this id", Param: "id", Do: "list them with GET /admin/erasures"}
}

// EraseSome takes a step of an erasure, and says how far it is. Steps may be taken by
// several at once, and again: each counts what it took away itself.
func (s *Store) EraseSome(ctx context.Context, id string) (messages.Erasure, error) {
	return s.EraseSomeWith(ctx, id, func() (ElsewhereErased, bool, error) { return ElsewhereErased{}, true, nil })
}

// ElsewhereErased is what an erasure took away in other databases.
type ElsewhereErased struct{ Conversations, Turns, Items int64 }

// EraseSomeWith is [Store.EraseSome] where conversations are in several databases.
// Once nothing is left here elsewhere says what was taken away in the others, and
// whether they have nothing left either, without which the erasure is not done.
func (s *Store) EraseSomeWith(ctx context.Context, id string, elsewhere func() (taken ElsewhereErased, done bool, err error)) (e messages.Erasure, err error) {
	err = s.write(ctx, operator, "EraseSome", func(t *transaction) error {
		if moving, err := t.holdSweep(); err != nil || moving {
			return orMoving(err)
		}
		if e, err = t.holdErasure(id); err != nil || e.Done() {
			return err
		}
		more := false
		if e.UserHash == "" {
			more, err = t.eraseTenant(&e)
		} else {
			more, err = t.eraseUser(&e)
		}
		if err != nil {
			return err
		}
		if !more {
			taken, done, err := elsewhere()
			if err != nil || !done {
				return err
			}
			e.Conversations, e.Turns, e.Items = e.Conversations+taken.Conversations, e.Turns+taken.Turns, e.Items+taken.Items
			e.User, e.Ended = "", time.Now().Truncate(time.Microsecond)
			if t.away { // who asked for it, and that it is done, is written down at home
				return t.putErasure(&e)
			}
			if err := t.audit(ctx, messages.AuditChange{Action: "erasure.end", Object: e.ID, Tenant: e.Tenant, After: stateOfErasure(&e)}); err != nil {
				return err
			}
		}
		return t.putErasure(&e)
	})
	return e, err
}

func (t *transaction) putErasure(e *messages.Erasure) error {
	return t.later(nil, "UPDATE erasures SET end_user = ?, ended = ?, conversations = ?, turns = ?, items = ?, replies = ? WHERE tenant = ? AND id = ?",
		e.User, micros(e.Ended), e.Conversations, e.Turns, e.Items, e.Replies, e.Tenant, e.ID)
}

// CopyErasure has a database take part in an erasure that is kept in another. Copied
// again it changes nothing.
func (s *Store) CopyErasure(ctx context.Context, e messages.Erasure) error {
	return s.write(ctx, operator, "CopyErasure", func(t *transaction) error {
		_, err := t.exec(`INSERT INTO erasures (id, tenant, end_user, user_hash, requested, ended, conversations, turns, items, replies)
			VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING`, e.ID, e.Tenant, e.User, e.UserHash, micros(e.Requested))
		return err
	})
}

// holdErasure returns an erasure, of which nobody else takes a step until the
// transaction has ended.
func (t *transaction) holdErasure(id string) (e messages.Erasure, err error) {
	held, err := t.exec("UPDATE erasures SET requested = requested WHERE id = ?", id)
	if err == nil && held == 0 {
		err = erasureAbsent()
	}
	if err != nil {
		return e, err
	}
	err = t.rows(selectErasure+"WHERE id = ?", []any{id}, func(row Scanner) (err error) {
		e, err = scanErasure(row)
		return err
	})
	return e, err
}

// eraseTenant takes a step: first all conversations are put out of reach, then what
// is in them goes, and last they themselves. It tells whether there may be more.
func (t *transaction) eraseTenant(e *messages.Erasure) (more bool, err error) {
	const gone = "c.tenant = ? AND c.deleted = TRUE AND c.created <= ? LIMIT ?)"
	asked, hidden := micros(e.Requested), int64(0)
	for _, step := range []struct {
		count *int64
		text  string
	}{
		{&hidden, `UPDATE conversations SET deleted = TRUE, epoch = epoch + 1, metadata = '{}' WHERE tenant = ? AND id IN
			(SELECT c.id FROM conversations c WHERE c.tenant = ? AND c.deleted = FALSE AND c.created <= ? LIMIT ?)`},
		{&e.Items, `DELETE FROM items WHERE tenant = ? AND (conversation, seq) IN (SELECT i.conversation, i.seq FROM conversations c
			JOIN items i ON i.tenant = c.tenant AND i.conversation = c.id WHERE ` + gone},
		{&e.Turns, `DELETE FROM turns WHERE tenant = ? AND id IN (SELECT u.id FROM conversations c
			JOIN turns u ON u.tenant = c.tenant AND u.conversation = c.id WHERE ` + gone},
		{&e.Conversations, "DELETE FROM conversations WHERE tenant = ? AND id IN (SELECT c.id FROM conversations c WHERE " + gone},
	} {
		n, err := t.exec(step.text, e.Tenant, e.Tenant, asked, eraseBatch)
		if *step.count += n; err != nil || n > 0 {
			return true, err
		}
	}
	return t.eraseReplies(e)
}

// eraseReplies takes away what is kept for idempotency keys: of whom a reply is that
// no turn is kept of is not known, so all of the tenant's go.
func (t *transaction) eraseReplies(e *messages.Erasure) (more bool, err error) {
	n, err := t.exec(`DELETE FROM idempotency_keys WHERE tenant = ? AND key IN
		(SELECT key FROM idempotency_keys WHERE tenant = ? AND status <> 0 AND created <= ? LIMIT ?)`, e.Tenant, e.Tenant, micros(e.Requested), eraseBatch)
	e.Replies += n
	return n > 0, err
}

// eraseUser takes a step: some conversations that the user spoke in. One in which
// nobody else did goes as a whole; of any other the user's turns do.
func (t *transaction) eraseUser(e *messages.Erasure) (more bool, err error) {
	var spoken []messages.ConversationID
	err = t.rows("SELECT DISTINCT conversation FROM turns WHERE tenant = ? AND end_user = ? AND created <= ? LIMIT ?",
		[]any{e.Tenant, e.User, micros(e.Requested), eraseConversations}, func(row Scanner) error {
			var id messages.ConversationID
			err := row.Scan(&id)
			spoken = append(spoken, id)
			return err
		})
	for i := 0; i < len(spoken) && err == nil; i++ {
		err = t.eraseUserIn(e, messages.ConversationRef{Tenant: e.Tenant, Conversation: spoken[i]})
	}
	if err != nil || len(spoken) > 0 {
		return true, err
	}
	return t.eraseReplies(e)
}

// theirs are the turns of the user who is to be forgotten.
const theirs = "end_user = ? AND created <= ?"

func (t *transaction) eraseUserIn(e *messages.Erasure, ref messages.ConversationRef) error {
	if err := t.disown(ref); err != nil {
		return err
	}
	user, asked := e.User, micros(e.Requested)
	others := 0
	if _, err := t.row("SELECT count(*) FROM turns WHERE tenant = ? AND conversation = ? AND NOT ("+theirs+")",
		[]any{ref.Tenant, ref.Conversation, user, asked}, &others); err != nil {
		return err
	}
	where, args := "conversation = ?", []any{ref.Conversation}
	if others > 0 {
		where += " AND turn IN (SELECT id FROM turns WHERE tenant = items.tenant AND conversation = items.conversation AND " + theirs + ")"
		args = append(args, user, asked)
	}
	items, err := t.erase(where, ref.Tenant, args...)
	if err != nil {
		return err
	}
	turns, err := t.exec("DELETE FROM turns WHERE tenant = ? AND conversation = ? AND "+theirs, ref.Tenant, ref.Conversation, user, asked)
	if err != nil {
		return err
	}
	e.Items, e.Turns = e.Items+items, e.Turns+turns
	if others > 0 {
		return t.findTip(ref)
	}
	e.Conversations++
	return t.drop(ref)
}

// disown takes a conversation from whoever works on it: what is remembered of it is
// out of date.
func (t *transaction) disown(ref messages.ConversationRef) error {
	_, err := t.exec("UPDATE conversations SET epoch = epoch + 1 WHERE tenant = ? AND id = ?", ref.Tenant, ref.Conversation)
	return err
}

// findTip makes the last turn that is left a conversation's last.
func (t *transaction) findTip(ref messages.ConversationRef) error {
	_, err := t.exec(`UPDATE conversations SET tip = coalesce((SELECT id FROM turns WHERE tenant = conversations.tenant AND conversation = conversations.id
		ORDER BY first_seq DESC LIMIT 1), ?) WHERE tenant = ? AND id = ?`, turnBytes(messages.TurnID{}), ref.Tenant, ref.Conversation)
	return err
}

// erasureState is an erasure in the audit log.
type erasureState struct {
	UserHash      string     `json:"user_sha256,omitempty"`
	Ended         *time.Time `json:"ended,omitempty"`
	Conversations int64      `json:"conversations"`
	Turns         int64      `json:"turns"`
	Items         int64      `json:"items"`
	Replies       int64      `json:"replies"`
}

func stateOfErasure(e *messages.Erasure) erasureState {
	return erasureState{UserHash: e.UserHash, Ended: moment(e.Ended), Conversations: e.Conversations, Turns: e.Turns, Items: e.Items, Replies: e.Replies}
}
