package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// eraseBatch bounds how many documents one statement erases, so that each ends
// well within the time that the worker's statements may take.
const eraseBatch = 1000

// DeleteSource implements api.Sources. It is one transaction: either everything
// that came from the source is gone, answers included, or nothing.
func (db *DB) DeleteSource(ctx context.Context, id cairn.SourceID) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		what := changed{action: audit.SourceDelete, kind: audit.KindSource, id: string(id)}
		var name string
		// Nobody stores documents of a source that is locked.
		if err := tx.QueryRow(ctx, `SELECT name FROM sources WHERE id = $1 FOR UPDATE`, id).Scan(&name); err != nil {
			return what, missing(err)
		}
		erased := 0
		for {
			rows, err := tx.Query(ctx, `SELECT id FROM documents WHERE source_id = $1 LIMIT $2`, id, eraseBatch)
			if err != nil {
				return what, err
			}
			documents, err := pgx.CollectRows(rows, pgx.RowTo[cairn.DocumentID])
			if err != nil {
				return what, err
			}
			if len(documents) == 0 {
				break
			}
			if err := eraseDocuments(ctx, tx, documents); err != nil {
				return what, err
			}
			erased += len(documents)
		}
		what.detail = fmt.Sprintf("name:%s documents:%d", name, erased)
		_, err := tx.Exec(ctx, `DELETE FROM sources WHERE id = $1`, id) // and with it its runs and errors
		return what, err
	})
	if err != nil {
		return fmt.Errorf("delete source: %w", err)
	}
	return nil
}

// Erase implements ingest.Store.
func (s *Ingest) Erase(ctx context.Context, source cairn.SourceID, externals []string) ([]string, error) {
	var erased []string
	err := s.db.change(ctx, func(tx pgx.Tx) (changed, error) {
		// Nobody stores documents of a source that is locked.
		if _, err := tx.Exec(ctx, `SELECT FROM sources WHERE id = $1 FOR UPDATE`, source); err != nil {
			return changed{}, err
		}
		rows, err := tx.Query(ctx, `
			WITH RECURSIVE tree AS (
				SELECT id, external_id FROM documents WHERE source_id = $1 AND external_id = ANY ($2)
				UNION SELECT d.id, d.external_id FROM documents d JOIN tree t ON d.parent_id = t.id AND d.attached)
			SELECT id, external_id FROM tree`, source, externals)
		if err != nil {
			return changed{}, err
		}
		asked := make(map[string]struct{}, len(externals))
		for _, e := range externals {
			asked[e] = struct{}{}
		}
		var ids []cairn.DocumentID
		var id cairn.DocumentID
		var external string
		_, err = pgx.ForEachRow(rows, []any{&id, &external}, func() error {
			ids = append(ids, id)
			if _, ok := asked[external]; ok {
				erased = append(erased, external)
			}
			return nil
		})
		if err != nil || len(ids) == 0 {
			return changed{}, err
		}
		what := changed{action: audit.DocumentDelete, kind: audit.KindSource, id: string(source), documents: ids}
		return what, eraseDocuments(ctx, tx, ids)
	})
	if err != nil {
		return nil, fmt.Errorf("erase documents: %w", err)
	}
	return erased, nil
}

// eraseDocuments deletes documents with all that was made from them: bodies,
// chunks, terms, vectors, errors, and the messages that had them as evidence.
// Their ids stay as tombstones.
func eraseDocuments(ctx context.Context, tx pgx.Tx, ids []cairn.DocumentID) error {
	// Whoever stores evidence holds its documents, so that after this lock
	// there is no evidence that the next statement cannot see.
	if _, err := tx.Exec(ctx, `SELECT FROM documents WHERE id = ANY ($1) ORDER BY id FOR UPDATE`, ids); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT DISTINCT message_id FROM message_evidence WHERE document_id = ANY ($1)`, ids)
	if err != nil {
		return err
	}
	messages, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if err := eraseMessages(ctx, tx, messages); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		DELETE FROM document_errors e USING documents d
		WHERE d.id = ANY ($1) AND e.source_id = d.source_id AND e.external_id = d.external_id`, ids)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		WITH erased AS (DELETE FROM documents WHERE id = ANY ($1) RETURNING id)
		INSERT INTO tombstones (document_id) SELECT id FROM erased ON CONFLICT DO NOTHING`, ids)
	return err
}

// eraseMessages deletes messages with their events, citations and evidence, the
// titles that were made from them, and conversations of which nothing is left.
// What followed an erased message follows the one before it.
func eraseMessages(ctx context.Context, tx pgx.Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		UPDATE conversations c SET title = ''
		WHERE (SELECT m.id FROM messages m WHERE m.conversation_id = c.id ORDER BY m.created_at, m.id LIMIT 1) = ANY ($1)
		  AND c.id IN (SELECT conversation_id FROM messages WHERE id = ANY ($1))`, ids)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		WITH RECURSIVE above (id, parent_id) AS (
			SELECT m.id, m.parent_id FROM messages m WHERE m.parent_id = ANY ($1) AND NOT m.id = ANY ($1)
			UNION ALL
			SELECT above.id, m.parent_id FROM above JOIN messages m ON m.id = above.parent_id WHERE m.id = ANY ($1))
		UPDATE messages m SET parent_id = above.parent_id FROM above
		WHERE m.id = above.id AND above.parent_id IS NOT NULL AND NOT above.parent_id = ANY ($1)`, ids)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		WITH erased AS (DELETE FROM messages WHERE id = ANY ($1) RETURNING conversation_id)
		DELETE FROM conversations c
		WHERE c.id IN (SELECT conversation_id FROM erased)
		  AND NOT EXISTS (SELECT FROM messages m WHERE m.conversation_id = c.id AND NOT m.id = ANY ($1))`, ids)
	return err
}
