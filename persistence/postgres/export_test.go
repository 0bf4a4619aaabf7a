package postgres

import "context"

// RowsSeenUnasked counts the conversations that a connection of the pool sees
// when it does not say for whom it asks.
func (s *Store) RowsSeenUnasked(ctx context.Context) (n int, err error) {
	err = s.pool.QueryRow(ctx, "SELECT count(*) FROM conversations").Scan(&n)
	return n, err
}
