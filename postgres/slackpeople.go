package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
)

var _ api.SlackPeople = (*DB)(nil)

// slackKey is where a page of people in Slack ends.
type slackKey struct{ Workspace, Email string }

type slackPersonRow struct {
	Workspace, SlackEmail string
	ApprovedBy            cairn.AccountID
	ApprovedAt            time.Time
	cairn.Account
}

func (r slackPersonRow) person() api.SlackPerson {
	return api.SlackPerson{Workspace: r.Workspace, Email: r.SlackEmail, Account: r.Account, By: r.ApprovedBy, At: r.ApprovedAt}
}

// ListSlackPeople implements api.SlackPeople.
func (db *DB) ListSlackPeople(ctx context.Context, p api.Page) ([]api.SlackPerson, string, error) {
	from, err := after[slackKey]("people in Slack", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.worker.Query(ctx, `
		SELECT p.workspace, p.email AS slack_email, p.approved_by, p.approved_at, a.id, coalesce(a.email, '') AS email, a.name, a.role,
		       a.disabled_at IS NOT NULL AS disabled, a.created_at AS created
		FROM slack_people p JOIN accounts a ON a.id = p.account_id
		WHERE (p.workspace, p.email) > ($1, $2) ORDER BY p.workspace, p.email LIMIT $3`, from.Workspace, from.Email, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list people in Slack: %w", err)
	}
	return pageOf(rows, "people in Slack", p.Limit,
		func(r slackPersonRow) slackKey { return slackKey{r.Workspace, r.SlackEmail} }, slackPersonRow.person)
}

// SetSlackPerson implements api.SlackPeople.
func (db *DB) SetSlackPerson(ctx context.Context, p api.SlackPerson) (at time.Time, err error) {
	err = db.change(ctx, func(tx pgx.Tx) (changed, error) {
		err := tx.QueryRow(ctx, `
			INSERT INTO slack_people (workspace, email, account_id, approved_by)
			SELECT $1, $2, id, $4 FROM accounts WHERE id = $3
			ON CONFLICT (workspace, email) DO UPDATE
			SET account_id = excluded.account_id, approved_by = excluded.approved_by, approved_at = now()
			RETURNING approved_at`, p.Workspace, p.Email, p.Account.ID, p.By).Scan(&at)
		return changed{action: audit.SlackApprove, kind: audit.KindAccount, id: string(p.Account.ID), detail: "workspace:" + p.Workspace}, missing(err)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("approve a person in Slack: %w", err)
	}
	return at, nil
}

// DeleteSlackPerson implements api.SlackPeople.
func (db *DB) DeleteSlackPerson(ctx context.Context, workspace, email string) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		var account string
		err := tx.QueryRow(ctx, `DELETE FROM slack_people WHERE workspace = $1 AND email = $2 RETURNING account_id`, workspace, email).Scan(&account)
		return changed{action: audit.SlackRemove, kind: audit.KindAccount, id: account, detail: "workspace:" + workspace}, missing(err)
	})
	if err != nil {
		return fmt.Errorf("remove a person in Slack: %w", err)
	}
	return nil
}
