package postgres

import "context"

// RowsSeenUnasked counts the conversations that a connection of the pool sees
// when it does not say for whom it asks.
func (s *Store) RowsSeenUnasked(ctx context.Context) (n int, err error) {
	err = s.pool.QueryRow(ctx, "SELECT count(*) FROM conversations").Scan(&n)
	return n, err
}

// Setting is what a connection of the pool has for a parameter of the server's.
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.pool.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&value)
	return value, err
}
