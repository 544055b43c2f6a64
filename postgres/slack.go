package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/slack"
)

// Slack keeps what the bot in Slack is asked. It implements slack.Store.
type Slack struct {
	*DB
	enqueue func(ctx context.Context, tx pgx.Tx, id string) error
}

var _ slack.Store = (*Slack)(nil)

// NewSlack returns the store of a database. enqueue queues the job of a task in the
// transaction that stores it.
func NewSlack(db *DB, enqueue func(ctx context.Context, tx pgx.Tx, id string) error) *Slack {
	return &Slack{db, enqueue}
}

const (
	// slackLease is for how long a task is who has taken it's without a sign of life.
	slackLease = 30 * time.Second
	// slackRetention is for how long a task is known when Slack sends it again: it repeats for
	// about an hour, and a copy of a signed request is worth nothing after five minutes.
	slackRetention = 24 * time.Hour
)

// Add implements slack.Store.
func (s *Slack) Add(ctx context.Context, t slack.Task) (fresh bool, err error) {
	b, err := json.Marshal(t)
	if err != nil {
		return false, fmt.Errorf("task of Slack: %w", err)
	}
	err = pgx.BeginFunc(ctx, s.worker, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO slack_tasks (id, task) VALUES ($1, $2) ON CONFLICT DO NOTHING`, t.ID, string(b))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		fresh = true
		return s.enqueue(ctx, tx, t.ID)
	})
	if err != nil {
		return false, fmt.Errorf("task of Slack: %w", refused(err, ""))
	}
	return fresh, nil
}

// Take implements slack.Store.
func (s *Slack) Take(ctx context.Context, id string) (slack.Task, error) {
	t := slack.Task{Claim: cairn.NewID()}
	var stored string
	err := s.worker.QueryRow(ctx, `
		UPDATE slack_tasks SET claim = $2, attempts = attempts + 1, due_at = now() + $3::interval
		WHERE id = $1 AND done_at IS NULL AND (claim = '' OR due_at < now())
		RETURNING task, reply, attempts`, id, t.Claim, slackLease).Scan(&stored, &t.Reply, &t.Attempts)
	if errors.Is(err, pgx.ErrNoRows) {
		return slack.Task{}, cairn.ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal([]byte(stored), &t)
	}
	if err != nil {
		return slack.Task{}, fmt.Errorf("take a task of Slack: %w", err)
	}
	t.ID = id
	return t, nil
}

// Keep implements slack.Store.
func (s *Slack) Keep(ctx context.Context, t slack.Task) error {
	return s.claimed(ctx, t, `UPDATE slack_tasks SET due_at = now() + $3::interval, reply = $4 WHERE id = $1 AND claim = $2 AND done_at IS NULL`, slackLease, t.Reply)
}

// Finish implements slack.Store.
func (s *Slack) Finish(ctx context.Context, t slack.Task) error {
	return s.claimed(ctx, t, `UPDATE slack_tasks SET done_at = now(), claim = '', task = '' WHERE id = $1 AND claim = $2 AND done_at IS NULL`)
}

// Release implements slack.Store.
func (s *Slack) Release(ctx context.Context, t slack.Task, after time.Duration) error {
	return s.claimed(ctx, t, `UPDATE slack_tasks SET claim = '', due_at = now() + $3::interval, reply = $4 WHERE id = $1 AND claim = $2 AND done_at IS NULL`, after, t.Reply)
}

// claimed runs a statement for a task that this process has claimed; ErrConflict when it
// is another's by now.
func (s *Slack) claimed(ctx context.Context, t slack.Task, sql string, args ...any) error {
	tag, err := s.worker.Exec(ctx, sql, append([]any{t.ID, t.Claim}, args...)...)
	if err != nil {
		return fmt.Errorf("task of Slack: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return cairn.ErrConflict
	}
	return nil
}

// Rescue queues the tasks that are due again: their process has died, or has put them off.
func (s *Slack) Rescue(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, s.worker, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			UPDATE slack_tasks SET claim = '', due_at = now() + $1::interval
			WHERE id IN (SELECT id FROM slack_tasks WHERE done_at IS NULL AND due_at < now() LIMIT 100 FOR UPDATE SKIP LOCKED)
			RETURNING id`, slackLease)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, id := range ids {
			err = errors.Join(err, s.enqueue(ctx, tx, id))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("tasks of Slack: %w", err)
	}
	return nil
}

// ForgetSlack removes tasks that Slack does not send again.
func (db *DB) ForgetSlack(ctx context.Context) error {
	if _, err := db.worker.Exec(ctx, `DELETE FROM slack_tasks WHERE at < now() - $1::interval`, slackRetention); err != nil {
		return fmt.Errorf("forget tasks of Slack: %w", err)
	}
	return nil
}

// Holder implements slack.Store.
func (s *Slack) Holder(ctx context.Context, workspace, email string, byAddress bool) (auth.Holder, error) {
	r, err := exactlyOne[holderRow](s.worker.Query(ctx, `
		SELECT `+holderColumns+` FROM accounts a WHERE a.id = coalesce(
			(SELECT account_id FROM slack_people WHERE workspace = $1 AND email = $2),
			(SELECT id FROM accounts WHERE email = $2 AND $3))`, workspace, email, byAddress))
	if err != nil {
		return auth.Holder{}, fmt.Errorf("account of a person in Slack: %w", missing(err))
	}
	return s.holder(ctx, r)
}

// ThreadConversation implements slack.Store.
func (s *Slack) ThreadConversation(ctx context.Context, channel, thread string, account cairn.AccountID) (string, error) {
	var id string
	err := s.worker.QueryRow(ctx, `
		SELECT conversation_id FROM slack_threads WHERE channel = $1 AND thread = $2 AND account_id = $3`, channel, thread, account).Scan(&id)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("conversation of a thread: %w", err)
	}
	return id, nil
}

// SetThreadConversation implements slack.Store.
func (s *Slack) SetThreadConversation(ctx context.Context, channel, thread string, account cairn.AccountID, conversation string) error {
	_, err := s.worker.Exec(ctx, `
		INSERT INTO slack_threads (channel, thread, account_id, conversation_id) VALUES ($1, $2, $3, $4)
		ON CONFLICT (channel, thread, account_id) DO UPDATE SET conversation_id = excluded.conversation_id`, channel, thread, account, conversation)
	if err != nil {
		return fmt.Errorf("conversation of a thread: %w", err)
	}
	return nil
}

// Titles implements slack.Store.
func (s *Slack) Titles(ctx context.Context, v cairn.Viewer, limit int) ([]string, error) {
	found, err := s.SuggestTitles(ctx, v, "", limit)
	titles := make([]string, len(found))
	for i, f := range found {
		titles[i] = f.Title
	}
	return titles, err
}

// Rate implements slack.Store.
func (s *Slack) Rate(ctx context.Context, v cairn.Viewer, message string, up bool) error {
	f := api.Feedback{Rating: "down"}
	if up {
		f.Rating = "up"
	}
	return s.SetFeedback(ctx, v, message, f)
}
