package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
)

// The retentions. A document that vanished at its source can come back with its
// id and its citations until hiddenRetention has passed.
const (
	hiddenRetention     = 30 * 24 * time.Hour
	supersededRetention = time.Hour      // of versions that nothing refers to
	eventRetention      = 24 * time.Hour // of the steps of finished answers
	eraseAtOnce         = 100            // documents in one transaction
)

// EraseExpired erases what has outlived its retention: documents that vanished
// at their source, superseded versions that no answer was made from, the steps of
// finished answers, sessions and codes.
func (db *DB) EraseExpired(ctx context.Context) error {
	return errors.Join(db.eraseHidden(ctx), db.eraseSuperseded(ctx), db.eraseLeftovers(ctx))
}

func (db *DB) eraseHidden(ctx context.Context) error {
	for {
		rows, err := db.worker.Query(ctx, `SELECT id FROM documents WHERE hidden_at < now() - $1::interval LIMIT $2`, hiddenRetention, eraseAtOnce)
		if err != nil {
			return fmt.Errorf("erase hidden documents: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[cairn.DocumentID])
		if err != nil {
			return fmt.Errorf("erase hidden documents: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		err = pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error { return eraseStillHidden(ctx, tx, ids) })
		if err != nil {
			return fmt.Errorf("erase hidden documents: %w", err)
		}
	}
}

// eraseStillHidden erases those of the documents that have not come back
// meanwhile.
func eraseStillHidden(ctx context.Context, tx pgx.Tx, ids []cairn.DocumentID) error {
	rows, err := tx.Query(ctx, `
		SELECT id FROM documents WHERE id = ANY ($1) AND hidden_at < now() - $2::interval ORDER BY id FOR UPDATE`, ids, hiddenRetention)
	if err != nil {
		return err
	}
	hidden, err := pgx.CollectRows(rows, pgx.RowTo[cairn.DocumentID])
	if err != nil {
		return err
	}
	return eraseDocuments(ctx, tx, hidden)
}

// eraseSuperseded deletes versions that are neither current nor evidence. They
// are kept for a while, because an answer may be made from them just now.
func (db *DB) eraseSuperseded(ctx context.Context) error {
	_, err := db.worker.Exec(ctx, `
		DELETE FROM bodies b USING documents d
		WHERE d.id = b.document_id AND d.version <> b.version AND d.indexed_at < now() - $1::interval
		  AND NOT EXISTS (SELECT FROM message_evidence e WHERE e.document_id = b.document_id AND e.version = b.version)`, supersededRetention)
	if err != nil {
		return fmt.Errorf("erase superseded versions: %w", err)
	}
	return nil
}

func (db *DB) eraseLeftovers(ctx context.Context) error {
	for _, statement := range []string{
		`DELETE FROM message_events e USING messages m WHERE m.id = e.message_id AND m.finished_at < now() - $1::interval`,
		`DELETE FROM sessions WHERE expires_at < now() - $1::interval`,
		`DELETE FROM used_sign_ins WHERE expires_at < now() - $1::interval`,
		`DELETE FROM sign_in_codes WHERE expires_at < now() - $1::interval`,
	} {
		if _, err := db.worker.Exec(ctx, statement, eventRetention); err != nil {
			return fmt.Errorf("erase leftovers: %w", err)
		}
	}
	return nil
}
