package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
	"example.com/parley/persistence/relational"
)

// replica answers listings from a server that follows the database's own. Each listing
// asks the latter how far its log goes, and the former whether it has come so far: what
// was acknowledged before anybody asked is there, whoever wrote it and through
// whichever server. Where it is not, the database itself answers.
type replica struct {
	store   *relational.Store
	pool    *pgxpool.Pool
	primary *pgxpool.Pool
	wait    time.Duration

	resting atomic.Int64 // until when it is not asked, in nanoseconds since 1970

	reads  *prometheus.CounterVec
	behind prometheus.Gauge
}

// How long a replica is left alone that was of no use: each try costs a listing the
// time that it waits.
const (
	replicaGlance    = 2 * time.Millisecond
	replicaBehindFor = 250 * time.Millisecond
	replicaAwayFor   = time.Second
	replicaPatience  = time.Second // for it to say how far it is
)

// openReplica waits for nobody: a replica may be away.
func openReplica(ctx context.Context, cfg Config, role Role, primary *database, registerer prometheus.Registerer) (*replica, error) {
	following := cfg
	following.URL, following.Connections = cfg.ReplicaURL, 1
	pool, err := connect(ctx, following, role)
	if err != nil {
		return nil, err
	}
	store := relational.New(&database{pool: pool, metrics: primary.metrics})
	if role.Database != "" {
		store.Place(role.away())
	}
	factory := promauto.With(registerer)
	return &replica{
		store: store, pool: pool, primary: primary.pool, wait: cfg.ReplicaWait,
		reads: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "chatbot_store_listings_total", Help: "Listings where there is a replica, by who answered: it, or the database since it was behind or away.",
		}, []string{"answered"}),
		behind: factory.NewGauge(prometheus.GaugeOpts{Name: "chatbot_store_replica_behind_bytes", Help: "How far the replica was behind the database when a listing last asked it."}),
	}, nil
}

// list has a listing answered by the replica where that has everything, else by the
// database.
func (s *Store) list(ctx context.Context, ask func(*relational.Store) error) error {
	if s.replica == nil {
		return ask(s.Store)
	}
	answered := s.replica.standing(ctx)
	if answered == "replica" {
		err := ask(s.replica.store)
		if messages.CodeOf(err) != messages.CodeStoreUnavailable || relational.IsElsewhere(err) {
			s.replica.reads.WithLabelValues(answered).Inc()
			return err
		}
		answered = "away"
		s.replica.rest(replicaAwayFor)
	}
	s.replica.reads.WithLabelValues(answered).Inc()
	return ask(s.Store)
}

func (r *replica) rest(d time.Duration) { r.resting.Store(time.Now().Add(d).UnixNano()) }

// standing is "replica" where that has all that is acknowledged by now; else why it is
// not asked: it is "behind" or "away".
func (r *replica) standing(ctx context.Context) string {
	if time.Now().UnixNano() < r.resting.Load() {
		return "resting"
	}
	var log string
	if err := r.primary.QueryRow(ctx, "SELECT pg_current_wal_flush_lsn()::text").Scan(&log); err != nil {
		return "away" // the database says so itself
	}
	for began := time.Now(); ; {
		behind, err := r.behindOf(ctx, log)
		if err != nil {
			r.rest(replicaAwayFor)
			return "away"
		}
		r.behind.Set(max(behind, 0))
		if behind <= 0 {
			return "replica"
		}
		if time.Since(began) >= r.wait || ctx.Err() != nil {
			r.rest(replicaBehindFor)
			return "behind"
		}
		time.Sleep(replicaGlance)
	}
}

// behindOf is how many bytes of the log up to a place the replica has not carried out.
// It fails where the server follows none.
func (r *replica) behindOf(ctx context.Context, log string) (bytes float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, replicaPatience)
	defer cancel()
	var behind pgtype.Float8
	err = r.pool.QueryRow(ctx, `SELECT $1::text::pg_lsn - pg_last_wal_replay_lsn() FROM pg_stat_wal_receiver WHERE pg_is_in_recovery()`, log).Scan(&behind)
	return behind.Float64, err
}

func (r *replica) close() {
	if r != nil {
		r.pool.Close()
	}
}

// Conversations lists those of a tenant that are not private. So do those below, and
// all of them where there is a replica by way of that.
func (s *Store) Conversations(ctx context.Context, tenant messages.TenantID, p messages.Page) (found []messages.Conversation, more bool, err error) {
	err = s.list(ctx, func(from *relational.Store) (err error) {
		found, more, err = from.Conversations(ctx, tenant, p)
		return err
	})
	return found, more, err
}

// ConversationsFrom lists those that one of several databases has.
func (s *Store) ConversationsFrom(ctx context.Context, tenant messages.TenantID, asc bool, from *relational.ConversationPlace, limit int) (found []messages.Conversation, err error) {
	err = s.list(ctx, func(in *relational.Store) (err error) {
		found, err = in.ConversationsFrom(ctx, tenant, asc, from, limit)
		return err
	})
	return found, err
}

// Items lists a conversation's items.
func (s *Store) Items(ctx context.Context, ref messages.ConversationRef, p messages.Page) (found []messages.StoredItem, more bool, err error) {
	err = s.list(ctx, func(from *relational.Store) (err error) {
		found, more, err = from.Items(ctx, ref, p)
		return err
	})
	return found, more, err
}

// UsageReport adds up rows.
func (s *Store) UsageReport(ctx context.Context, q messages.UsageQuery) (report messages.UsageReport, err error) {
	err = s.list(ctx, func(from *relational.Store) (err error) {
		report, err = from.UsageReport(ctx, q)
		return err
	})
	return report, err
}
