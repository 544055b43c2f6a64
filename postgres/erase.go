package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
)

// eraseBatch bounds how many documents one statement erases, so that each ends
// well within the time that the worker's statements may take.
const eraseBatch = 1000

// EraseSource implements api.Sources. It is one transaction: either everything
// that came from the source is gone, answers included, or nothing.
func (db *DB) EraseSource(ctx context.Context, id cairn.SourceID, by cairn.AccountID) (cairn.Erasure, error) {
	receipt, err := db.erase(ctx, cairn.ErasedSource, string(id), by, func(e *eraser) error { return e.source(ctx, id) })
	if err != nil {
		return cairn.Erasure{}, fmt.Errorf("erase source: %w", missing(err))
	}
	return receipt, nil
}

// EraseDocument implements api.Documents.
func (db *DB) EraseDocument(ctx context.Context, id cairn.DocumentID, keepOut bool, by cairn.AccountID) (cairn.Erasure, error) {
	receipt, err := db.erase(ctx, cairn.ErasedDocument, string(id), by, func(e *eraser) error {
		e.receipt.KeptOut = keepOut
		var source cairn.SourceID
		if err := e.tx.QueryRow(ctx, `SELECT source_id FROM documents WHERE id = $1`, id).Scan(&source); err != nil {
			return err
		}
		if err := e.lockSource(ctx, source); err != nil {
			return err
		}
		ids, err := e.query(ctx, withAttached+`SELECT id FROM tree`, source, []cairn.DocumentID{id}, nil)
		if err == nil && len(ids) == 0 { // somebody else was faster
			err = cairn.ErrNotFound
		}
		if err != nil {
			return err
		}
		return e.documents(ctx, ids)
	})
	if err != nil {
		return cairn.Erasure{}, fmt.Errorf("erase document: %w", missing(err))
	}
	return receipt, nil
}

// withAttached begins a statement over documents of a source, $1, by their ids, $2,
// or their names at the source, $3, with everything that was found inside them.
const withAttached = `
	WITH RECURSIVE tree AS (
		SELECT id, external_id FROM documents WHERE source_id = $1 AND (id = ANY ($2) OR external_id = ANY ($3))
		UNION SELECT d.id, d.external_id FROM documents d JOIN tree t ON d.parent_id = t.id AND d.attached) `

// Erase implements ingest.Store.
func (s *Ingest) Erase(ctx context.Context, source cairn.SourceID, externals []string) ([]string, error) {
	var erased []string
	_, err := s.db.erase(ctx, cairn.ErasedPushed, string(source), "", func(e *eraser) error {
		// Nobody stores documents of a source that is locked.
		if _, err := e.tx.Exec(ctx, `SELECT FROM sources WHERE id = $1 FOR UPDATE`, source); err != nil {
			return err
		}
		rows, err := e.tx.Query(ctx, withAttached+`SELECT id, external_id, external_id = ANY ($3) FROM tree`, source, nil, externals)
		if err != nil {
			return err
		}
		var ids []string
		var id, external string
		var asked bool
		_, err = pgx.ForEachRow(rows, []any{&id, &external, &asked}, func() error {
			ids = append(ids, id)
			if asked {
				erased = append(erased, external)
			}
			return nil
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		return e.documents(ctx, ids)
	})
	if err != nil {
		return nil, fmt.Errorf("erase documents: %w", err)
	}
	return erased, nil
}

// query returns the ids that a statement finds.
func (e *eraser) query(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, err := e.tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// lockSource keeps everybody from storing documents of a source until the
// transaction ends. ErrNotFound when there is none.
func (e *eraser) lockSource(ctx context.Context, id cairn.SourceID) error {
	return notFound(e.tx.QueryRow(ctx, `SELECT id FROM sources WHERE id = $1 FOR UPDATE`, id).Scan(&id))
}

// source erases a source. Its tombstone stands for those of its documents.
func (e *eraser) source(ctx context.Context, id cairn.SourceID) error {
	if err := e.lockSource(ctx, id); err != nil {
		return err
	}
	for {
		ids, err := e.query(ctx, `SELECT id FROM documents WHERE source_id = $1 LIMIT $2`, id, eraseBatch)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		if err := e.dropDocuments(ctx, ids); err != nil {
			return err
		}
	}
	err := e.each(ctx, []statement{
		{"river_job", `
			DELETE FROM river_job
			WHERE args->>'run' IN (SELECT id FROM runs WHERE source_id = $1) AND state IN ('cancelled', 'completed', 'discarded')`},
		{"runs", `DELETE FROM runs WHERE source_id = $1`},
		{"document_errors", `DELETE FROM document_errors WHERE source_id = $1`},
		{"sensitive_days", `DELETE FROM sensitive_days WHERE source_id = $1`},
		{"grants", `DELETE FROM grants WHERE source_id = $1`},
		{"sources", `DELETE FROM sources WHERE id = $1`},
	}, id)
	if err != nil {
		return err
	}
	return e.bury(ctx, buriedSource, string(id))
}

// documents erases documents of which nobody can store anything meanwhile, and
// leaves their tombstones.
func (e *eraser) documents(ctx context.Context, ids []string) error {
	// Sources are locked before documents, as by who stores some.
	_, err := e.tx.Exec(ctx, `
		UPDATE sources SET erased_at = clock_timestamp()
		WHERE id IN (SELECT id FROM sources WHERE id IN (SELECT source_id FROM documents WHERE id = ANY ($1)) ORDER BY id FOR NO KEY UPDATE)`, ids)
	if err != nil {
		return fmt.Errorf("note the erasure: %w", err)
	}
	_, err = e.tx.Exec(ctx, `
		INSERT INTO tombstones (kind, id, erasure_id, source_id, external_hash)
		SELECT $1, id, $3, CASE WHEN $4 THEN source_id END, CASE WHEN $4 THEN `+nameHash+` END FROM documents d WHERE id = ANY ($2)
		ON CONFLICT DO NOTHING`, buriedDocument, ids, e.receipt.ID, e.receipt.KeptOut)
	if err != nil {
		return fmt.Errorf("tombstones: %w", err)
	}
	for _, id := range ids {
		e.named = append(e.named, cairn.DocumentID(id))
	}
	return e.dropDocuments(ctx, ids)
}

// nameHash is the hash of the name that a document d has at its source.
const nameHash = `sha256(convert_to(d.source_id || chr(10) || d.external_id, 'UTF8'))`

// dropDocuments deletes documents with all that was made from them: the messages
// that had them as evidence, what the index keeps of them, errors and reports that
// name them.
func (e *eraser) dropDocuments(ctx context.Context, ids []string) error {
	// Whoever stores evidence holds its documents, so that after this lock
	// there is no evidence that the next statement cannot see.
	if _, err := e.tx.Exec(ctx, `SELECT FROM documents WHERE id = ANY ($1) ORDER BY id FOR UPDATE`, ids); err != nil {
		return err
	}
	messages, err := e.query(ctx, `SELECT DISTINCT message_id FROM message_evidence WHERE document_id = ANY ($1)`, ids)
	if err != nil {
		return err
	}
	if err := e.messages(ctx, messages); err != nil {
		return err
	}
	if err := e.chunks(ctx, ids); err != nil {
		return err
	}
	// Whether detectors have looked at it is up to how much others have stored since, and
	// who was granted it is not for whoever may erase it.
	err = e.uncounted(ctx, ids, `DELETE FROM sensitive_counts WHERE document_id = ANY ($1)`, `DELETE FROM grants WHERE document_id = ANY ($1)`,
		// What the index of code keeps, its definitions with it.
		`DELETE FROM code_files WHERE document_id = ANY ($1)`,
		// What dry runs would have done may name them.
		`UPDATE runs SET preview = NULL WHERE preview IS NOT NULL AND source_id IN (SELECT source_id FROM documents WHERE id = ANY ($1))`)
	if err != nil {
		return err
	}
	return e.each(ctx, []statement{
		{"bodies", `DELETE FROM bodies WHERE document_id = ANY ($1)`},
		{"document_errors", `
			DELETE FROM document_errors e USING documents d
			WHERE d.id = ANY ($1) AND e.source_id = d.source_id
			  AND (e.external_id = d.external_id OR starts_with(e.external_id, d.external_id || '!/'))`},
		{"runs", `
			UPDATE runs r SET reason = '' FROM documents d
			WHERE d.id = ANY ($1) AND r.source_id = d.source_id AND r.reason <> ''
			  AND (strpos(r.reason, d.external_id) > 0 OR strpos(r.reason, regexp_replace(d.external_id, '^.*/(.)', '\1')) > 0
			       OR (d.title <> '' AND strpos(r.reason, d.title) > 0))`},
		{"documents", `DELETE FROM documents WHERE id = ANY ($1)`},
	}, ids)
}

// chunks deletes what the index keeps of documents. What segments have of them, as
// hashes of terms and codes, goes when those are written anew. The chunks are held
// first: whoever adds terms or vectors to them passes over those that are.
func (e *eraser) chunks(ctx context.Context, documents []string) error {
	rows, err := e.tx.Query(ctx, `SELECT id FROM chunks WHERE document_id = ANY ($1) ORDER BY id FOR UPDATE`, documents)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(ids) == 0 {
		return err
	}
	// Whether they are packed tells how much others have stored since.
	err = e.uncounted(ctx, ids, `DELETE FROM fresh WHERE chunk_id = ANY ($1)`, `DELETE FROM fresh_codes WHERE chunk_id = ANY ($1)`)
	if err != nil {
		return err
	}
	err = e.each(ctx, []statement{
		{"vectors", `DELETE FROM vectors WHERE chunk_id = ANY ($1)`},
		{"chunks", `DELETE FROM chunks WHERE id = ANY ($1)`},
	}, ids)
	if err != nil {
		return err
	}
	_, err = e.tx.Exec(ctx, `
		INSERT INTO erased_chunks (chunk_id, due)
		SELECT id, CASE WHEN $2 THEN now() ELSE now() + $3::interval END FROM unnest($1::bigint[]) id ON CONFLICT DO NOTHING`,
		ids, e.urgent, cleanWithin)
	return err
}

// uncounted executes statements about ids of which the receipt says nothing.
func (e *eraser) uncounted(ctx context.Context, ids any, statements ...string) error {
	for _, sql := range statements {
		if _, err := e.tx.Exec(ctx, sql, ids); err != nil {
			return err
		}
	}
	return nil
}

// messages deletes messages with their events, citations and evidence, the
// titles that were made from them, and conversations of which nothing is left.
// What followed an erased message follows the one before it.
func (e *eraser) messages(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	err := e.each(ctx, []statement{
		{"conversations", `
			UPDATE conversations c SET title = ''
			WHERE (SELECT m.id FROM messages m WHERE m.conversation_id = c.id ORDER BY m.created_at, m.id LIMIT 1) = ANY ($1)
			  AND c.id IN (SELECT conversation_id FROM messages WHERE id = ANY ($1))`},
	}, ids)
	if err != nil {
		return err
	}
	_, err = e.tx.Exec(ctx, `
		WITH RECURSIVE above (id, parent_id) AS (
			SELECT m.id, m.parent_id FROM messages m WHERE m.parent_id = ANY ($1) AND NOT m.id = ANY ($1)
			UNION ALL
			SELECT above.id, m.parent_id FROM above JOIN messages m ON m.id = above.parent_id WHERE m.id = ANY ($1))
		UPDATE messages m SET parent_id = above.parent_id FROM above
		WHERE m.id = above.id AND above.parent_id IS NOT NULL AND NOT above.parent_id = ANY ($1)`, ids)
	if err != nil {
		return err
	}
	conversations, err := e.query(ctx, `SELECT DISTINCT conversation_id FROM messages WHERE id = ANY ($1)`, ids)
	if err != nil {
		return err
	}
	if err := e.dropMessages(ctx, ids); err != nil {
		return err
	}
	// Those with a title were counted above.
	_, err = e.tx.Exec(ctx, `
		DELETE FROM conversations c
		WHERE c.id = ANY ($1) AND NOT EXISTS (SELECT FROM messages m WHERE m.conversation_id = c.id)`, conversations)
	return err
}

// dropMessages deletes messages with what belongs to them.
func (e *eraser) dropMessages(ctx context.Context, ids []string) error {
	if _, err := e.tx.Exec(ctx, `SELECT FROM messages WHERE id = ANY ($1) ORDER BY id FOR UPDATE`, ids); err != nil {
		return err
	}
	return e.each(ctx, []statement{
		{"message_events", `DELETE FROM message_events WHERE message_id = ANY ($1)`},
		{"citations", `DELETE FROM citations WHERE message_id = ANY ($1)`},
		{"message_evidence", `DELETE FROM message_evidence WHERE message_id = ANY ($1)`},
		{"feedback", `DELETE FROM feedback WHERE message_id = ANY ($1)`},
		{"messages", `DELETE FROM messages WHERE id = ANY ($1)`},
	}, ids)
}

// conversations deletes conversations with all their messages.
func (e *eraser) conversations(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	// Whoever adds a message holds its conversation.
	if _, err := e.tx.Exec(ctx, `SELECT FROM conversations WHERE id = ANY ($1) ORDER BY id FOR UPDATE`, ids); err != nil {
		return err
	}
	messages, err := e.query(ctx, `SELECT id FROM messages WHERE conversation_id = ANY ($1)`, ids)
	if err != nil {
		return err
	}
	if err := e.dropMessages(ctx, messages); err != nil {
		return err
	}
	return e.exec(ctx, "conversations", `DELETE FROM conversations WHERE id = ANY ($1)`, ids)
}
