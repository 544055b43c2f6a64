package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// Every cluster of PostgreSQL counts its transactions for itself. What the
// change feed says by their numbers means nothing after a dump was restored into
// another cluster, and a reader that went on would miss changes. So the cluster is
// looked at with each new connection: a change of cluster takes new ones.

// identify notes the cluster that a connection of the index role leads to.
func (db *DB) identify(ctx context.Context, conn *pgx.Conn) error {
	var id int64
	if err := conn.QueryRow(ctx, `SELECT system_identifier FROM pg_control_system()`).Scan(&id); err != nil {
		return fmt.Errorf("identify the database cluster: %w", err)
	}
	db.identity.Store(id)
	return nil
}

// AdoptCluster empties the change feed if the database was restored from a dump
// of another cluster. It is to be called before the index is loaded.
func (db *DB) AdoptCluster(ctx context.Context) error {
	id := strconv.FormatInt(db.identity.Load(), 10)
	err := pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error {
		var noted string
		err := tx.QueryRow(ctx, `SELECT value FROM settings WHERE name = 'cluster' FOR UPDATE`).Scan(&noted)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if noted == id {
			return nil
		}
		if noted != "" {
			db.log.Warn("the database was restored from a dump of another cluster: the index is read anew")
		}
		if _, err := tx.Exec(ctx, `DELETE FROM changes`); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO settings (name, value) VALUES ('cluster', $1)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("adopt the database cluster: %w", err)
	}
	return nil
}
