package sharded

import (
	"context"

	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
	"example.com/parley/persistence/relational"
)

// BeginTurn commits a turn's input and its record as running.
func (s *Store) BeginTurn(ctx context.Context, b messages.TurnBegin) error {
	return s.in(ctx, b.Record.Ref, func(d *postgres.Store) error { return d.BeginTurn(ctx, b) })
}

// SavePrefix makes what was shown so far durable.
func (s *Store) SavePrefix(ctx context.Context, p messages.TurnPrefix) error {
	return s.in(ctx, p.Ref, func(d *postgres.Store) error { return d.SavePrefix(ctx, p) })
}

// ResumeTurn has a turn run again that was cut.
func (s *Store) ResumeTurn(ctx context.Context, r messages.TurnResume) (resumed messages.TurnResumed, err error) {
	err = s.in(ctx, r.Ref, func(d *postgres.Store) (err error) {
		resumed, err = d.ResumeTurn(ctx, r)
		return err
	})
	return resumed, err
}

// EndTurn commits the end of a turn and what it cost. Its rows are brought to the
// ledger behind it, where that is in another database.
func (s *Store) EndTurn(ctx context.Context, e messages.TurnEnd) error {
	var ended *postgres.Store
	err := s.in(ctx, e.Record.Ref, func(d *postgres.Store) error {
		ended = d
		return d.EndTurn(ctx, e)
	})
	if err == nil && ended != s.Store {
		s.courier.wake()
	}
	return err
}

// Turn returns a turn's record. Its name does not say where it is: all databases are
// asked for it, each by one look into an index.
func (s *Store) Turn(ctx context.Context, tenant messages.TenantID, id messages.TurnID) (r messages.TurnRecord, err error) {
	err = s.waitOut(ctx, func() error {
		records, faults := everywhere(s, func(d *database) (messages.TurnRecord, error) { return d.Turn(ctx, tenant, id) })
		i := best(faults, messages.CodeResponseAbsent)
		r = records[i]
		return faults[i]
	})
	return r, err
}

// TurnItems returns what a turn brought, likewise.
func (s *Store) TurnItems(ctx context.Context, tenant messages.TenantID, id messages.TurnID) (items []messages.StoredItem, err error) {
	err = s.waitOut(ctx, func() error {
		lists, faults := everywhere(s, func(d *database) ([]messages.StoredItem, error) { return d.TurnItems(ctx, tenant, id) })
		for i, list := range lists {
			if faults[i] == nil && len(list) > 0 {
				items = list
				return nil
			}
		}
		for _, fault := range faults {
			if fault != nil {
				return fault
			}
		}
		items = nil
		return nil
	})
	return items, err
}

// best is which of several databases' answers counts: the one that found it, else one
// that could not say, else that it is nowhere.
func best(faults []error, absent messages.Code) int {
	chosen := 0
	rank := func(err error) int {
		switch {
		case err == nil:
			return 3
		case relational.IsElsewhere(err):
			return 1
		case messages.CodeOf(err) == absent:
			return 0
		default:
			return 2
		}
	}
	for i := range faults {
		if rank(faults[i]) > rank(faults[chosen]) {
			chosen = i
		}
	}
	return chosen
}
