package relational

import (
	"context"
	"time"

	"example.com/parley/messages"
)

const selectPrice = "SELECT model, effective, input, cached, cache_write, output, withdrawn, source FROM prices "

// Prices lists what operators set, by model, each model's latest first.
func (s *Store) Prices(ctx context.Context) (found []messages.PriceVersion, err error) {
	err = s.read(ctx, operator, "Prices", func(r *querying) error {
		return r.rows(selectPrice+"ORDER BY model, effective DESC", nil, func(row Scanner) error {
			v, err := scanPrice(row)
			found = append(found, v)
			return err
		})
	})
	return found, err
}

func scanPrice(row Scanner) (v messages.PriceVersion, err error) {
	var effective int64
	err = row.Scan(&v.Model, &effective, &v.Input, &v.Cached, &v.CacheWrite, &v.Output, &v.Withdrawn, &v.Source)
	v.Origin, v.From = messages.PriceOperator, fromMicros(effective)
	v.Name = messages.NameSetPrice(v.Model, v.From)
	return v, err
}

// PricesVersion counts the changes of prices.
func (s *Store) PricesVersion(ctx context.Context) (version uint64, err error) {
	err = s.read(ctx, operator, "PricesVersion", func(r *querying) error {
		_, err := r.row("SELECT version FROM prices_version", nil, &version)
		return err
	})
	return version, err
}

// SetPrice keeps a version that is to hold from a moment on, a withdrawal too. One
// of the same model and moment gives way to it.
func (s *Store) SetPrice(ctx context.Context, v messages.PriceVersion) error {
	return s.write(ctx, operator, "SetPrice", func(t *transaction) error {
		before, found, err := t.priceAt(v.Model, v.From)
		if err != nil {
			return err
		}
		if v.Withdrawn && (!found || before.Withdrawn) {
			return priceAbsent(v.Model)
		}
		if err := t.later(nil, `INSERT INTO prices (model, effective, input, cached, cache_write, output, withdrawn, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (model, effective) DO UPDATE SET input = excluded.input, cached = excluded.cached, cache_write = excluded.cache_write,
				output = excluded.output, withdrawn = excluded.withdrawn, source = excluded.source`,
			v.Model, micros(v.From), v.Input, v.Cached, v.CacheWrite, v.Output, v.Withdrawn, v.Source); err != nil {
			return err
		}
		change := messages.AuditChange{Action: "price.set", Object: v.Model, After: stateOfPrice(&v)}
		if v.Withdrawn {
			change.Action = "price.withdraw"
		}
		if found {
			change.Before = stateOfPrice(&before)
		}
		return t.pricesChanged(ctx, change)
	})
}

// DropPrice takes back a version that was to hold from a moment on which has not
// come. It fails with CodeItemAbsent where there is none.
func (s *Store) DropPrice(ctx context.Context, model string, from time.Time) error {
	return s.write(ctx, operator, "DropPrice", func(t *transaction) error {
		before, found, err := t.priceAt(model, from)
		if err != nil {
			return err
		}
		if !found || !before.From.Equal(from) {
			return priceAbsent(model)
		}
		if err := t.later(nil, "DELETE FROM prices WHERE model = ? AND effective = ?", model, micros(from)); err != nil {
			return err
		}
		return t.pricesChanged(ctx, messages.AuditChange{Action: "price.drop", Object: model, Before: stateOfPrice(&before)})
	})
}

// priceAt is the version of a model that holds at a moment, or will.
func (t *transaction) priceAt(model string, at time.Time) (v messages.PriceVersion, found bool, err error) {
	err = t.rows(selectPrice+"WHERE model = ? AND effective <= ? ORDER BY effective DESC LIMIT 1", []any{model, micros(at)}, func(row Scanner) (err error) {
		found = true
		v, err = scanPrice(row)
		return err
	})
	return v, found, err
}

// pricesChanged tells every server that its prices are out of date.
func (t *transaction) pricesChanged(ctx context.Context, change messages.AuditChange) error {
	if err := t.audit(ctx, change); err != nil {
		return err
	}
	return t.later(nil, "UPDATE prices_version SET version = version + 1")
}

// priceState is a price in the audit log.
type priceState struct {
	From       *time.Time `json:"from"`
	Input      int64      `json:"input"`
	Cached     int64      `json:"cached,omitempty"`
	CacheWrite int64      `json:"cache_write,omitempty"`
	Output     int64      `json:"output"`
	Withdrawn  bool       `json:"withdrawn,omitempty"`
	Source     string     `json:"source,omitempty"`
}

func stateOfPrice(v *messages.PriceVersion) priceState {
	return priceState{
		From: moment(v.From), Input: v.Input, Cached: v.Cached, CacheWrite: v.CacheWrite, Output: v.Output, Withdrawn: v.Withdrawn, Source: v.Source,
	}
}

func priceAbsent(model string) error {
	return &messages.Failure{
		Code: messages.CodeItemAbsent, What: "no operator has set a price of " + model + " that could be taken away", Param: "model",
		Do: "list the prices with `parley price list`",
	}
}
