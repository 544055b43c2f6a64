package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

// SetFeedback implements api.Conversations.
func (db *DB) SetFeedback(ctx context.Context, v cairn.Viewer, message string, f api.Feedback) error {
	tag, err := db.worker.Exec(ctx, `
		INSERT INTO feedback (message_id, account_id, rating, reason, comment)
		SELECT m.id, c.account_id, $3, $4, $5
		FROM messages m JOIN conversations c ON c.id = m.conversation_id
		WHERE m.id = $1 AND c.account_id = $2
		ON CONFLICT (message_id, account_id) DO UPDATE
		SET rating = excluded.rating, reason = excluded.reason, comment = excluded.comment, at = now()`,
		message, v.Account, f.Rating, f.Reason, f.Comment)
	if err != nil {
		return fmt.Errorf("feedback: %w", refused(err, ""))
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("feedback: %w", cairn.ErrNotFound)
	}
	return nil
}

// feedbackRow is what an account said of a message.
type feedbackRow struct {
	MessageID string
	api.Feedback
}

// Feedback implements api.Conversations. The search role may not read the
// table, so the statement itself says whose rows they are.
func (db *DB) Feedback(ctx context.Context, v cairn.Viewer, messages []string) (map[string]api.Feedback, error) {
	rows, err := db.worker.Query(ctx, `
		SELECT f.message_id, f.rating, f.reason, f.comment
		FROM feedback f JOIN messages m ON m.id = f.message_id JOIN conversations c ON c.id = m.conversation_id
		WHERE f.message_id = ANY ($1) AND f.account_id = $2 AND c.account_id = $2`, messages, v.Account)
	if err != nil {
		return nil, fmt.Errorf("feedback: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[feedbackRow])
	if err != nil {
		return nil, fmt.Errorf("feedback: %w", err)
	}
	given := make(map[string]api.Feedback, len(found))
	for _, r := range found {
		given[r.MessageID] = r.Feedback
	}
	return given, nil
}
