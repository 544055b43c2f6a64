package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cairnhq/cairn"
)

// Retention says for how long what is no longer used is kept.
type Retention struct {
	// Documents is for how long a document that vanished at its source can come back
	// with its id and its citations.
	Documents time.Duration
	// Conversations is for how long a conversation is kept after its last question;
	// 0: until its owner deletes it.
	Conversations time.Duration
}

// DefaultRetention is that of an installation that sets none.
var DefaultRetention = Retention{Documents: 30 * 24 * time.Hour}

// SetRetention sets the retention. It is to be called before EraseExpired is.
func (db *DB) SetRetention(r Retention) { db.retention = r }

const (
	supersededRetention = time.Hour      // of versions that nothing refers to
	eventRetention      = 24 * time.Hour // of the steps of finished answers, and of runs that only bring permissions
)

// EraseExpired erases what has outlived its retention: documents that vanished
// at their source, conversations that nobody went on with, superseded versions that
// no answer was made from, the steps of finished answers, sessions, codes, what was
// counted of attempts to sign in, and runs that only bring permissions.
func (db *DB) EraseExpired(ctx context.Context) error {
	return errors.Join(db.eraseHidden(ctx), db.eraseConversations(ctx), db.eraseSuperseded(ctx), db.eraseLeftovers(ctx))
}

// eraseHidden erases documents that vanished at their source. Those that come back
// just now are passed over.
func (db *DB) eraseHidden(ctx context.Context) error {
	const expired = `
		SELECT id FROM documents WHERE hidden_at < now() - $1::interval ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`
	return db.eraseWhile(ctx, expired, db.retention.Documents, (*eraser).documents)
}

// eraseConversations erases conversations that nobody went on with. Those that
// somebody goes on with just now are passed over.
func (db *DB) eraseConversations(ctx context.Context) error {
	if db.retention.Conversations <= 0 {
		return nil
	}
	const expired = `
		SELECT id FROM conversations WHERE updated_at < now() - $1::interval ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`
	return db.eraseWhile(ctx, expired, db.retention.Conversations, (*eraser).conversations)
}

// eraseWhile erases what a query finds that is older than an age, as long as it
// finds anything: so many at once, each time in a transaction with a receipt.
func (db *DB) eraseWhile(ctx context.Context, find string, age time.Duration, erase func(e *eraser, ctx context.Context, ids []string) error) error {
	for more := true; more; {
		receipt, err := db.erase(ctx, cairn.ErasedRetention, "", "", func(e *eraser) error {
			ids, err := e.query(ctx, find, age, eraseBatch)
			if err != nil || len(ids) == 0 {
				return err
			}
			return erase(e, ctx, ids)
		})
		if err != nil {
			return fmt.Errorf("erase what outlived its retention: %w", err)
		}
		more = receipt.ID != ""
	}
	return nil
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
		// A question that is kept only while it is answered, whose server ended before it was forgotten.
		`DELETE FROM conversations c USING messages m
		 WHERE m.conversation_id = c.id AND m.finished_at < now() - $1::interval AND m.request->>'ephemeral' = 'true'`,
		`DELETE FROM sessions WHERE expires_at < now() - $1::interval`,
		`DELETE FROM used_sign_ins WHERE expires_at < now() - $1::interval`,
		`DELETE FROM sign_in_codes WHERE expires_at < now() - $1::interval`,
		`DELETE FROM device_logins WHERE expires_at < now() - $1::interval`,
		// The last run that says how it went is left.
		`DELETE FROM runs r WHERE (r.permissions_only OR r.parts_only) AND r.finished_at < now() - $1::interval AND EXISTS (
			SELECT FROM runs n WHERE n.source_id = r.source_id AND n.permissions_only = r.permissions_only AND n.parts_only = r.parts_only AND n.created_at > r.created_at
			  AND n.state IN ('succeeded', 'partial', 'failed'))`,
		`UPDATE runs SET preview = NULL WHERE preview IS NOT NULL AND finished_at < now() - $1::interval`,
	} {
		if _, err := db.worker.Exec(ctx, statement, eventRetention); err != nil {
			return fmt.Errorf("erase leftovers: %w", err)
		}
	}
	if _, err := db.worker.Exec(ctx, `DELETE FROM sign_in_limits WHERE until < now()`); err != nil {
		return fmt.Errorf("erase leftovers: %w", err)
	}
	return nil
}
