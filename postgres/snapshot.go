package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// snapshot runs fn in a transaction of the worker that only reads, and in which all
// statements see one state.
func (db *DB) snapshot(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, db.worker, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn)
}
