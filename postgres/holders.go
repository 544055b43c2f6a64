package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// holderColumns are those of a holderRow, where accounts is called a. Who makes a
// request is asked with each of them, in one statement.
const holderColumns = `a.id AS holder, coalesce(a.email, '') AS email, a.name AS holder_name, a.role, a.disabled_at IS NOT NULL AS disabled,
	a.created_at AS joined, (SELECT epoch FROM directory) AS epoch,
	ARRAY (SELECT g.id FROM grants g WHERE g.account_id = a.id AND g.ends_at > now() ORDER BY g.id) AS grants`

// holderRow is an account with the state of the directory. Without an epoch it
// cannot be read: nobody is let in by groups of which it is not known whether they
// are the current ones.
type holderRow struct {
	Holder     cairn.AccountID
	Email      string
	HolderName string
	Role       cairn.Role
	Disabled   bool
	Joined     time.Time
	Epoch      directoryEpoch
	Grants     []cairn.GrantID
}

// holder returns the account with its groups, which are looked up only when the
// directory has changed since the last time.
func (db *DB) holder(ctx context.Context, r holderRow) (auth.Holder, error) {
	h := auth.Holder{
		Account: cairn.Account{ID: r.Holder, Email: r.Email, Name: r.HolderName, Role: r.Role, Disabled: r.Disabled, Created: r.Joined},
	}
	if r.Disabled {
		return h, nil
	}
	h.Grants = r.Grants
	var err error
	h.Groups, err = db.memberships.of(ctx, r.Holder, r.Email, r.Epoch)
	return h, err
}

// isMissing reports whether err says that there is no such row.
func isMissing(err error) bool { return errors.Is(err, cairn.ErrNotFound) }

// exactlyOne returns the row of a query; none is ErrNotFound.
func exactlyOne[T any](rows pgx.Rows, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	return row, notFound(err)
}
