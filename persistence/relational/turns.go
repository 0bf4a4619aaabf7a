package relational

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"example.com/parley/messages"
)

// BeginTurn commits a turn's input and its record as running.
func (s *Store) BeginTurn(ctx context.Context, b messages.TurnBegin) error {
	return s.write(ctx, b.Record.Ref.Tenant, "BeginTurn", func(t *transaction) error {
		if err := t.holdIdempotencyKey(&b.Record, b.IdempotencyKey); err != nil {
			return err
		}
		if b.Create {
			if err := t.create(&b.Record, b.Epoch); err != nil {
				return err
			}
		}
		if err := t.take(b.Record.Ref, b.Epoch, b.Record.FirstSeq, len(b.Input)); err != nil {
			return err
		}
		if err := t.insertTurn(&b.Record, b.Terms); err != nil {
			return err
		}
		_, err := t.append(b.Record.Ref, b.Record.FirstSeq, b.Record.ID, b.Input)
		return err
	})
}

// create makes the conversation of a turn that is its first.
func (t *transaction) create(r *messages.TurnRecord, epoch messages.Epoch) error {
	return t.later(orElse(func() error { return stale(r.Ref) }), `INSERT INTO conversations (tenant, id, private, parent, parent_seq, epoch, next_seq, tip, metadata, created)
		VALUES (?, ?, ?, '', 0, ?, 1, ?, '{}', ?) ON CONFLICT DO NOTHING`,
		r.Ref.Tenant, r.Ref.Conversation, r.Private, epoch, turnBytes(messages.TurnID{}), micros(r.Created))
}

func (t *transaction) insertTurn(r *messages.TurnRecord, asked *messages.TurnTerms) error {
	options, err := encode(&r.Options)
	if err != nil {
		return err
	}
	kept, until, err := terms(asked)
	if err != nil {
		return err
	}
	return t.later(orElse(beingAnswered), `INSERT INTO turns (tenant, id, conversation, key, after, status, reason, failure_code, failure_text, model, served, options, usage,
			instructions, background, first_seq, inputs, outputs, finish, created, ended, end_user, terms, until)
		VALUES (?, ?, ?, ?, ?, ?, '', '', '', ?, '{}', ?, '{}', ?, ?, ?, ?, 0, '', ?, 0, ?, ?, ?) ON CONFLICT DO NOTHING`,
		r.Ref.Tenant, turnBytes(r.ID), r.Ref.Conversation, r.Key, turnBytes(r.After), messages.TurnRunning, r.Model, options,
		r.Instructions, r.Background, r.FirstSeq, r.Inputs, micros(r.Created), r.Options.EndUser(), kept, until)
}

// SavePrefix makes what was shown so far durable.
func (s *Store) SavePrefix(ctx context.Context, p messages.TurnPrefix) error {
	return s.write(ctx, p.Ref.Tenant, "SavePrefix", func(t *transaction) error {
		turn, err := t.writing(p.Ref, p.Epoch, p.Turn)
		if err != nil {
			return err
		}
		if !turn.running {
			return stale(p.Ref)
		}
		if err := t.putOutputs(&turn, p.First, p.Items); err != nil {
			return err
		}
		served, err := encode(&p.Served)
		if err != nil {
			return err
		}
		return t.later(nil, "UPDATE turns SET outputs = ?, served = ? WHERE tenant = ? AND id = ?", turn.outputs, served, p.Ref.Tenant, turnBytes(p.Turn))
	})
}

// writtenTurn is what a turn's own writes must know of it.
type writtenTurn struct {
	ref     messages.ConversationRef
	id      messages.TurnID
	running bool
	first   messages.Seq // of its output
	outputs int          // stored so far
}

// writing finds a turn, in a conversation that the activation still owns.
func (t *transaction) writing(ref messages.ConversationRef, epoch messages.Epoch, id messages.TurnID) (turn writtenTurn, err error) {
	turn = writtenTurn{ref: ref, id: id}
	if _, err = t.fence(ref, epoch); err != nil {
		return turn, err
	}
	found, err := t.row("SELECT first_seq + inputs, outputs, status = ? FROM turns WHERE tenant = ? AND id = ? AND conversation = ?",
		[]any{messages.TurnRunning, ref.Tenant, turnBytes(id), ref.Conversation}, &turn.first, &turn.outputs, &turn.running)
	if err == nil && !found {
		err = responseAbsent()
	}
	return turn, err
}

// putOutputs writes output items, and takes the places that are new. Those that
// it has written before it may write again; it leaves none out.
func (t *transaction) putOutputs(turn *writtenTurn, first messages.Seq, items []messages.Item) error {
	behind := turn.first + messages.Seq(turn.outputs) // #nosec G115 -- a count
	end := first + messages.Seq(len(items))
	if first < turn.first || first > behind {
		return stale(turn.ref)
	}
	if end > behind {
		if err := t.takeFenced(turn.ref, behind, int(end-behind)); err != nil { // #nosec G115 -- at most the number of items
			return err
		}
		turn.outputs = int(end - turn.first) // #nosec G115 -- a count
	}
	now := time.Now()
	for i := range items {
		item := messages.StoredItem{Item: items[i], Seq: first + messages.Seq(i), Turn: turn.id, Output: true, Created: now}
		if err := t.put(turn.ref, &item); err != nil {
			return err
		}
	}
	return nil
}

// EndTurn commits the end of a turn and what it cost. Repeated, it changes
// nothing.
func (s *Store) EndTurn(ctx context.Context, e messages.TurnEnd) error {
	return s.write(ctx, e.Record.Ref.Tenant, "EndTurn", func(t *transaction) error {
		r := e.Record
		turn, err := t.writing(r.Ref, e.Epoch, r.ID)
		if err != nil || !turn.running {
			return err
		}
		if err := t.putOutputs(&turn, e.First, e.Items); err != nil {
			return err
		}
		if err := t.withdrawOutputs(&turn, e.First+messages.Seq(len(e.Items))); err != nil {
			return err
		}
		r.Outputs = turn.outputs
		if err := t.updateTurn(&r); err != nil {
			return err
		}
		if err := t.moveTip(&r); err != nil {
			return err
		}
		return t.chargeTurn(e.Usage)
	})
}

// withdrawOutputs erases what a prefix has stored from a place on, which the
// turn's end does not have any more. The places stay taken.
func (t *transaction) withdrawOutputs(turn *writtenTurn, from messages.Seq) error {
	if from >= turn.first+messages.Seq(turn.outputs) { // #nosec G115 -- a count
		return nil
	}
	_, err := t.erase("conversation = ? AND turn = ? AND seq >= ?", turn.ref.Tenant, turn.ref.Conversation, turnBytes(turn.id), from)
	return err
}

// moveTip makes the turn the conversation's last; or, when nothing came of it,
// withdraws its input.
func (t *transaction) moveTip(r *messages.TurnRecord) error {
	if r.Status == messages.TurnFailed {
		_, err := t.erase("conversation = ? AND turn = ?", r.Ref.Tenant, r.Ref.Conversation, turnBytes(r.ID))
		return err
	}
	return t.later(nil, "UPDATE conversations SET tip = ? WHERE tenant = ? AND id = ?", turnBytes(r.ID), r.Ref.Tenant, r.Ref.Conversation)
}

func (t *transaction) updateTurn(r *messages.TurnRecord) error {
	served, err := encode(&r.Served)
	if err != nil {
		return err
	}
	usage, err := encode(&r.Usage)
	if err != nil {
		return err
	}
	return t.later(nil, `UPDATE turns SET status = ?, reason = ?, failure_code = ?, failure_text = ?, served = ?, usage = ?, outputs = ?, finish = ?, ended = ?, terms = '', until = 0
		WHERE tenant = ? AND id = ?`, r.Status, r.Reason, r.FailureCode, r.FailureText, served, usage, r.Outputs, r.Finish, micros(r.Ended),
		r.Ref.Tenant, turnBytes(r.ID))
}

// interruptTurns ends the running turns that match, and makes each the last of
// its conversation. Their prefixes are stored as incomplete already. It returns how
// many they were.
func (t *transaction) interruptTurns(where string, args ...any) (ended int64, err error) {
	running := "status = 'in_progress' AND " + where
	_, err = t.exec(`UPDATE conversations SET tip = (SELECT id FROM turns WHERE tenant = conversations.tenant AND conversation = conversations.id AND status = 'in_progress'
			ORDER BY first_seq DESC LIMIT 1)
		WHERE (tenant, id) IN (SELECT tenant, conversation FROM turns WHERE `+running+")", args...)
	if err != nil {
		return 0, err
	}
	return t.exec("UPDATE turns SET status = ?, reason = ?, ended = ?, terms = '', until = 0 WHERE "+running,
		append([]any{messages.TurnPartial, messages.ReasonServerRestart, micros(time.Now())}, args...)...)
}

// RecoverTurns ends the turns that a dead process left running, but for those that
// are to be taken up ([Store.UnfinishedTurns]), and gives its claims up. Call it once, before the first turn is begun, where no other process
// is at work on the same data.
func (s *Store) RecoverTurns(ctx context.Context) (recovered int, err error) {
	err = s.write(ctx, operator, "RecoverTurns", func(t *transaction) error {
		if err := t.noteRunning(); err != nil {
			return err
		}
		ended, err := t.interruptTurns("NOT "+goesOn, mayGoOn()...)
		if err != nil {
			return err
		}
		recovered = int(ended)
		_, err = t.exec("UPDATE idempotency_keys SET deadline = 0 WHERE status = 0")
		return err
	})
	return recovered, err
}

// RecoverShards ends the turns that earlier owners of shards left running, but for
// those that are to be taken up. Call it
// before the first turn is begun in them; owned says which they are, and under which
// epoch this node has them.
func (s *Store) RecoverShards(ctx context.Context, owned func(messages.Shard) (epoch messages.ShardEpoch, is bool)) (recovered int, err error) {
	running, err := s.running(ctx)
	if err != nil {
		return 0, err
	}
	here, err := s.placedHere(ctx)
	if err != nil {
		return 0, err
	}
	running = slices.DeleteFunc(running, func(ref messages.ConversationRef) bool {
		_, is := owned(messages.ShardOf(ref))
		return !is || !here(messages.ShardOf(ref))
	})
	if len(running) == 0 {
		return 0, nil
	}
	err = s.write(ctx, operator, "RecoverShards", func(t *transaction) error {
		recovered = 0
		for _, ref := range running {
			epoch, _ := owned(messages.ShardOf(ref))
			if _, err := t.raiseEpoch(ref, epoch); err != nil && messages.CodeOf(err) != messages.CodeConversationAbsent {
				return err
			}
			ended, err := t.interruptTurns("NOT "+goesOn+" AND tenant = ? AND conversation = ?", append(mayGoOn(), ref.Tenant, ref.Conversation)...)
			if err != nil {
				return err
			}
			recovered += int(ended)
		}
		return nil
	})
	return recovered, err
}

// running returns the conversations whose turns were begun and have no end.
func (s *Store) running(ctx context.Context) (running []messages.ConversationRef, err error) {
	err = s.read(ctx, operator, "RunningTurns", func(q *querying) error {
		return q.rows("SELECT DISTINCT tenant, conversation FROM turns WHERE status = 'in_progress'", nil, func(row Scanner) error {
			var ref messages.ConversationRef
			err := row.Scan(&ref.Tenant, &ref.Conversation)
			running = append(running, ref)
			return err
		})
	})
	return running, err
}

// Turn returns a turn's record.
func (s *Store) Turn(ctx context.Context, tenant messages.TenantID, id messages.TurnID) (r messages.TurnRecord, err error) {
	found := false
	err = s.read(ctx, tenant, "Turn", func(q *querying) error {
		if r, found, err = findTurn(q, tenant, id); err != nil || !found {
			return err
		}
		return q.see(r.Ref)
	})
	if err == nil && !found {
		err = responseAbsent()
	}
	return r, err
}

func findTurn(q querier, tenant messages.TenantID, id messages.TurnID) (r messages.TurnRecord, found bool, err error) {
	err = q.rows(`SELECT t.conversation, c.private, t.key, t.after, t.status, t.reason, t.failure_code, t.failure_text, t.model, t.served, t.options, t.usage,
			t.instructions, t.background, t.first_seq, t.inputs, t.outputs, t.finish, t.created, t.ended
		FROM turns t JOIN conversations c ON c.tenant = t.tenant AND c.id = t.conversation WHERE t.tenant = ? AND t.id = ?`,
		[]any{tenant, turnBytes(id)}, func(row Scanner) (err error) {
			found = true
			r, err = scanTurn(row)
			return err
		})
	r.ID, r.Ref.Tenant = id, tenant
	return r, found, err
}

func scanTurn(row Scanner) (r messages.TurnRecord, err error) {
	var after, served, options, usage []byte
	var created, ended int64
	if err := row.Scan(&r.Ref.Conversation, &r.Private, &r.Key, &after, &r.Status, &r.Reason, &r.FailureCode, &r.FailureText, &r.Model,
		&served, &options, &usage, &r.Instructions, &r.Background, &r.FirstSeq, &r.Inputs, &r.Outputs, &r.Finish, &created, &ended); err != nil {
		return r, err
	}
	r.After, r.Created, r.Ended = turnID(after), fromMicros(created), fromMicros(ended)
	for text, into := range map[*[]byte]any{&served: &r.Served, &options: &r.Options, &usage: &r.Usage} {
		if err := json.Unmarshal(*text, into); err != nil {
			return r, err
		}
	}
	return r, nil
}
