package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
)

// SetEvidence implements answer.Record. It holds the documents while it writes,
// so that an erasure either sees the evidence or has come first.
func (a *Answers) SetEvidence(ctx context.Context, v cairn.Viewer, message string, passages []cairn.Passage) ([]cairn.Passage, error) {
	var readable []cairn.Passage
	err := pgx.BeginFunc(ctx, a.db.worker, func(tx pgx.Tx) error {
		there, err := holdDocuments(ctx, tx, passages)
		if err != nil {
			return err
		}
		// Asked after the lock: what is readable now is not erased before the end.
		if readable, err = a.db.readablePassages(ctx, v, passages, there); err != nil {
			return err
		}
		return insertEvidence(ctx, tx, message, readable)
	})
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return readable, nil
}

// holdDocuments keeps the documents of passages from being erased until the
// transaction ends, and returns those that are there.
func holdDocuments(ctx context.Context, tx pgx.Tx, passages []cairn.Passage) ([]cairn.DocumentID, error) {
	ids := make([]cairn.DocumentID, len(passages))
	for i, p := range passages {
		ids[i] = p.Document
	}
	rows, err := tx.Query(ctx, `SELECT id FROM documents WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[cairn.DocumentID])
}

// versionOfDocument names a body.
type versionOfDocument struct {
	DocumentID cairn.DocumentID
	Version    cairn.Version
}

// readablePassages returns those of the passages whose version v may read now,
// numbered from 1; documents are all that they can come from.
func (db *DB) readablePassages(ctx context.Context, v cairn.Viewer, passages []cairn.Passage, documents []cairn.DocumentID) ([]cairn.Passage, error) {
	classes, err := db.classesOfDocuments(ctx, documents)
	if err != nil {
		return nil, err
	}
	var found []versionOfDocument
	err = db.asViewer(ctx, v, classes, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT d.id AS document_id, b.version FROM documents d JOIN bodies b ON b.document_id = d.id
			WHERE d.id = ANY ($1)`, documents)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByName[versionOfDocument])
		return err
	})
	if err != nil {
		return nil, err
	}
	var readable []cairn.Passage
	for _, p := range passages {
		if slices.Contains(found, versionOfDocument{p.Document, p.Version}) {
			p.Number = len(readable) + 1
			readable = append(readable, p)
		}
	}
	return readable, nil
}

// insertEvidence stores the versions of the passages. A message that is no
// longer being answered is ErrNotFound.
func insertEvidence(ctx context.Context, tx pgx.Tx, message string, passages []cairn.Passage) error {
	tag, err := tx.Exec(ctx, `SELECT FROM messages WHERE id = $1 AND state = 'running' FOR SHARE`, message)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return cairn.ErrNotFound
	}
	batch := &pgx.Batch{}
	for _, p := range passages {
		batch.Queue(`INSERT INTO message_evidence (message_id, document_id, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			message, p.Document, p.Version)
	}
	return tx.SendBatch(ctx, batch).Close()
}

// classesOfEvidence returns the ACL classes of what messages were made from.
func (db *DB) classesOfEvidence(ctx context.Context, messages ...string) ([]int32, error) {
	rows, err := db.worker.Query(ctx, `
		SELECT d.acl_id FROM message_evidence e JOIN documents d ON d.id = e.document_id
		WHERE e.message_id = ANY ($1)
		UNION SELECT b.acl_id FROM message_evidence e JOIN bodies b USING (document_id, version)
		WHERE e.message_id = ANY ($1) AND b.acl_id IS NOT NULL`, messages)
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	classes, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return classes, nil
}
