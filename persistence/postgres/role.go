package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// Role is as what a store is opened. The zero role is that of the only server on the
// only database.
type Role struct {
	Member   messages.MemberID // of a cluster; empty for a server that is alone
	Database string            // its name among several; empty where there is one
	Family   string            // of all but home: what home calls all of them
}

func (r Role) away() bool { return r.Database != "" && r.Database != Home }

// labelled tells the metrics of several databases apart.
func (r Role) labelled(registerer prometheus.Registerer) prometheus.Registerer {
	if r.Database == "" {
		return registerer
	}
	return prometheus.WrapRegistererWith(prometheus.Labels{"database": r.Database}, registerer)
}

// Family is what several databases have in common. It is empty where there is one.
func (s *Store) Family() string { return s.family }

// identify looks whether the database is the one that the role is for, and makes one
// that is new that.
func (s *Store) identify(ctx context.Context, role Role) (family string, err error) {
	err = s.cluster(ctx, "identify the database", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", shardsLock); err != nil {
			return err
		}
		var name string
		err := tx.QueryRow(ctx, "SELECT name, family FROM shard_database").Scan(&name, &family)
		isNew := errors.Is(err, pgx.ErrNoRows)
		switch {
		case err != nil && !isNew:
			return err
		case role.Database == "":
			return identifyOnly(ctx, tx, name)
		case isNew && role.away():
			family = role.Family
			return makeAway(ctx, tx, role)
		case isNew:
			return makeHome(ctx, tx, &family)
		case name != role.Database || role.away() && family != role.Family:
			return mistaken(fmt.Sprintf("the database that store.postgres calls %s is %s of another configuration", role.Database, name))
		default:
			return nil
		}
	})
	return family, err
}

func mistaken(what string) error {
	return &messages.Failure{
		Code: messages.CodeInvalidRequest, What: what,
		Do: "look at store.postgres.url and store.postgres.databases: each name has its own database, and all servers have the same",
	}
}

// identifyOnly refuses a database that has not all conversations.
func identifyOnly(ctx context.Context, tx pgx.Tx, name string) error {
	if name != "" && name != Home {
		return mistaken("this database is " + name + " of several")
	}
	var elsewhere int
	err := tx.QueryRow(ctx, "SELECT count(*) FROM shard_storage WHERE database <> 'home' OR state <> ''").Scan(&elsewhere)
	if err == nil && elsewhere > 0 {
		return mistaken(fmt.Sprintf("%d of %d shards of the conversations are not in this database, or moving", elsewhere, messages.Shards))
	}
	if err != nil {
		return err
	}
	return unguard(ctx, tx)
}

// guardWithin is how long who writes is kept waiting for a guard that comes or goes.
const guardWithin = 2 * time.Second

// GuardShards keeps servers out of the database that do not know that there are
// several. It comes before a shard moves.
func (s *Store) GuardShards(ctx context.Context) error {
	return s.cluster(ctx, "GuardShards", func(tx pgx.Tx) error {
		if err := beforeGuard(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "SELECT guard_shards()")
		return err
	})
}

// beforeGuard has whoever guards the database and whoever opens it as the only one come
// one behind the other.
func beforeGuard(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', $1, true)", strconv.FormatInt(guardWithin.Milliseconds(), 10)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", shardsLock)
	return err
}

// unguard opens a database to those who know of one, once all shards are back in it.
func unguard(ctx context.Context, tx pgx.Tx) error {
	var guarded bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = 'knows_databases')").Scan(&guarded); err != nil || !guarded {
		return err
	}
	if err := beforeGuard(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DROP TRIGGER knows_databases ON conversations")
	return err
}

// makeHome says that all shards are here.
func makeHome(ctx context.Context, tx pgx.Tx, family *string) error {
	if _, err := tx.Exec(ctx, "INSERT INTO shard_places (shard, state) SELECT generate_series(0, $1 - 1), 'here'", messages.Shards); err != nil {
		return err
	}
	return tx.QueryRow(ctx, "INSERT INTO shard_database (name, family) VALUES ($1, gen_random_uuid()::text) RETURNING family", Home).Scan(family)
}

// makeAway takes a database for a further one, if nothing is in it.
func makeAway(ctx context.Context, tx pgx.Tx, role Role) error {
	var used bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM tenants) OR EXISTS (SELECT 1 FROM conversations) OR EXISTS (SELECT 1 FROM keys)").Scan(&used)
	if err != nil {
		return err
	}
	if used {
		return mistaken("the database that store.postgres.databases calls " + role.Database + " has content of its own")
	}
	_, err = tx.Exec(ctx, "INSERT INTO shard_database (name, family) VALUES ($1, $2)", role.Database, role.Family)
	return err
}
