package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
)

var _ api.Conversations = (*DB)(nil)

// ListConversations implements api.Conversations.
func (db *DB) ListConversations(ctx context.Context, v cairn.Viewer, p api.Page) ([]cairn.Conversation, string, error) {
	from, err := after[timeKey]("conversations", p)
	if err != nil {
		return nil, "", err
	}
	classes, err := db.classesOfFirsts(ctx, v, from, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list conversations: %w", err)
	}
	var list []cairn.Conversation
	err = db.asViewer(ctx, v, classes, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT c.id, c.account_id AS account, CASE WHEN withheld THEN '' ELSE c.title END AS title,
			       c.created_at AS created, c.updated_at AS updated,
			       CASE WHEN withheld THEN '{}' ELSE evidence END AS evidence
			FROM conversations c
			CROSS JOIN LATERAL (
				SELECT coalesce(array_agg(DISTINCT e.document_id), '{}') AS evidence,
				       coalesce(bool_or(NOT EXISTS (SELECT FROM bodies b WHERE b.document_id = e.document_id AND b.version = e.version)), false) AS withheld
				FROM message_evidence e
				WHERE e.message_id = (SELECT m.id FROM messages m WHERE m.conversation_id = c.id ORDER BY m.created_at, m.id LIMIT 1)) first
			WHERE $1::timestamptz IS NULL OR (c.updated_at, c.id) < ($1, $2)
			ORDER BY c.updated_at DESC, c.id DESC LIMIT $3`, nilTime(from.At), from.ID, p.Limit+1)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[cairn.Conversation])
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list conversations: %w", err)
	}
	list, next := nextPage("conversations", list, p.Limit, func(c cairn.Conversation) timeKey { return timeKey{c.Updated, c.ID} })
	return list, next, nil
}

// classesOfFirsts returns the ACL classes of the evidence of the first messages
// of a page of conversations.
func (db *DB) classesOfFirsts(ctx context.Context, v cairn.Viewer, from timeKey, limit int) ([]int32, error) {
	rows, err := db.worker.Query(ctx, `
		WITH first AS MATERIALIZED (SELECT e.document_id, e.version
		FROM (SELECT id FROM conversations
		      WHERE account_id = $1 AND ($2::timestamptz IS NULL OR (updated_at, id) < ($2, $3))
		      ORDER BY updated_at DESC, id DESC LIMIT $4) c
		CROSS JOIN LATERAL (SELECT m.id FROM messages m WHERE m.conversation_id = c.id ORDER BY m.created_at, m.id LIMIT 1) m
		JOIN message_evidence e ON e.message_id = m.id)
		SELECT d.acl_id FROM first JOIN documents d ON d.id = first.document_id
		UNION SELECT b.acl_id FROM first JOIN bodies b USING (document_id, version) WHERE b.acl_id IS NOT NULL`, v.Account, nilTime(from.At), from.ID, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int32])
}

// Conversation implements api.Conversations.
func (db *DB) Conversation(ctx context.Context, v cairn.Viewer, id string) (cairn.Conversation, []cairn.Message, error) {
	var c cairn.Conversation
	var ids []string
	err := db.asViewer(ctx, v, nil, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT id, account_id AS account, title, created_at AS created, updated_at AS updated, '{}'::text[] AS evidence
			FROM conversations WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if c, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[cairn.Conversation]); err != nil {
			return err
		}
		rows, err = tx.Query(ctx, `SELECT id FROM messages WHERE conversation_id = $1 ORDER BY created_at, id`, id)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return cairn.Conversation{}, nil, fmt.Errorf("conversation: %w", missing(err))
	}
	messages, err := db.readMessages(ctx, v, ids)
	if err != nil {
		return cairn.Conversation{}, nil, err
	}
	if len(messages) > 0 && messages[0].Withheld {
		c.Title = "" // made from the first question
	}
	if len(messages) > 0 {
		c.Evidence = messages[0].Answer.Evidence
	}
	return c, messages, nil
}

// Message implements api.Conversations.
func (db *DB) Message(ctx context.Context, v cairn.Viewer, id string) (cairn.Message, error) {
	messages, err := db.readMessages(ctx, v, []string{id})
	if err != nil {
		return cairn.Message{}, err
	}
	if len(messages) == 0 {
		return cairn.Message{}, fmt.Errorf("message: %w", cairn.ErrNotFound)
	}
	return messages[0], nil
}

// RenameConversation implements api.Conversations.
func (db *DB) RenameConversation(ctx context.Context, v cairn.Viewer, id, title string) error {
	tag, err := db.worker.Exec(ctx, `UPDATE conversations SET title = $3 WHERE id = $1 AND account_id = $2`, id, v.Account, title)
	if err != nil {
		return fmt.Errorf("rename conversation: %w", refused(err, ""))
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("rename conversation: %w", cairn.ErrNotFound)
	}
	return nil
}

// DeleteConversation implements api.Conversations. It leaves a tombstone.
func (db *DB) DeleteConversation(ctx context.Context, v cairn.Viewer, id string) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		err := tx.QueryRow(ctx, `
			WITH gone AS (DELETE FROM conversations WHERE id = $1 AND account_id = $2 RETURNING id)
			INSERT INTO tombstones (kind, id, erasure_id) SELECT 'conversation', id, '' FROM gone RETURNING id`, id, v.Account).Scan(&id)
		return changed{action: audit.ConversationDelete, kind: audit.KindConversation, id: id}, missing(err)
	})
	if err != nil {
		return fmt.Errorf("delete conversation: %w", err)
	}
	return nil
}
